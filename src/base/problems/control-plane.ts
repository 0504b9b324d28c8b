// WEFT-2xxx: the control plane: registry, store, certificates, xDS.

export const CONTROL_PLANE_PROBLEMS = {
  'WEFT-2001': {
    title: 'mesh config file unreadable',
    meaning: 'The file given with --mesh-config could not be read, or is not valid.',
    remedy: 'Mend every problem that is listed.',
  },
  'WEFT-2002': {
    title: 'no such object',
    meaning: 'The config store holds no object of that kind, namespace and name.',
    remedy: 'List what is there with `weft get`.',
  },
  'WEFT-2003': {
    title: 'no such revision',
    meaning: 'The config store has no revision of that number.',
    remedy: 'List the revisions with `weft history`.',
  },
  'WEFT-2004': {
    title: 'config refused',
    meaning: 'The set of documents has errors; nothing of it was taken over.',
    remedy: 'Mend every problem listed with the answer and send the set again.',
  },
  'WEFT-2005': {
    title: 'request not valid',
    meaning: 'A request of the REST API does not fit the schema of its operation.',
    remedy: 'Compare it with the reference at the root of the API, or with /openapi.json.',
  },
  'WEFT-2006': {
    title: 'operator token needed',
    meaning: 'The operation needs `authorization: Bearer` with the operator token, and it was absent or wrong.',
    remedy: 'Send the content of operator.token in the state directory; only its owner can read it.',
  },
  'WEFT-2007': {
    title: 'foreign host or origin',
    meaning:
      'The Host header names no loopback address, or a page of another origin made the request: DNS rebinding and cross-site requests look so.',
    remedy: 'Address the API as 127.0.0.1, localhost or [::1], and not from another site.',
  },
  'WEFT-2008': {
    title: 'no such service or instance',
    meaning: 'The registry knows nothing by that namespace and name; the lease of an instance may have run out.',
    remedy: 'Register it (again).',
  },
  'WEFT-2009': {
    title: 'request too large',
    meaning: 'The body of the request is over the limit of 8 MiB.',
    remedy: 'Send the documents in smaller sets.',
  },
  'WEFT-2010': {
    title: 'no such operation',
    meaning: 'The REST API has no operation of that method and path.',
    remedy: 'See the reference at the root of the API.',
  },
  'WEFT-2011': {
    title: 'certificate request refused',
    meaning: 'The certificate signing request is malformed, its key is weak, or it asks for another identity.',
    remedy: 'Ask for exactly one URI name, the SPIFFE id of the workload, with an EC P-256 or P-384 or RSA key.',
  },
  'WEFT-2012': {
    title: 'join token refused',
    meaning: 'The join token is unknown, used by another key, or older than ten minutes.',
    remedy: 'Mint a new one; each admits one workload once.',
  },
  'WEFT-2013': {
    title: 'peer certificate refused',
    meaning: 'A client showed no certificate, an expired one, or one that this mesh did not sign.',
    remedy: 'Let the workload join this mesh; certificates of other trust domains are not accepted.',
  },
  'WEFT-2014': {
    title: 'proxy not permitted',
    meaning: 'The certificate of a proxy does not belong to the workload that it says it stands beside.',
    remedy: 'Start the proxy with the namespace, name and service account under which its workload is registered.',
  },
  'WEFT-2015': {
    title: 'inconsistent snapshot',
    meaning: 'A resource refers to another one that the same proxy would not be sent. The proxy keeps what it has.',
    remedy: 'This is a fault of the control plane: please report it with the config that causes it.',
  },
  'WEFT-2016': {
    title: 'config directory unreadable',
    meaning: 'The watched directory, or a file in it, could not be read.',
    remedy: 'Check that it exists and may be read; the config loaded before stays in effect meanwhile.',
  },
  'WEFT-2017': {
    title: 'too much config',
    meaning: 'A file is over 8 MiB, or the watched directory holds more than 10 000 files or 64 MiB.',
    remedy: 'Split the file, or point --config at the directory that holds only the config.',
  },
  'WEFT-2018': {
    title: 'state directory in use',
    meaning: 'Another control plane runs on the same state directory.',
    remedy: 'Stop it, or give this one a state directory of its own with --state.',
  },
  'WEFT-2019': {
    title: 'port in use',
    meaning: 'A port that the control plane was told to listen on is taken.',
    remedy: 'Free it, or choose another with --api-port, --xds-port or --join-port (0: any free one).',
  },
  'WEFT-2020': {
    title: 'state unreadable',
    meaning: 'A file of the state directory is missing, damaged, or of a later version of Weft.',
    remedy: 'Restore it from a backup, or start with a fresh state directory.',
  },
  'WEFT-2021': {
    title: 'internal error',
    meaning: 'The control plane failed to answer a request for a reason of its own.',
    remedy: 'See its log; please report what led there.',
  },
  'WEFT-2022': {
    title: 'counters of rate limits not usable',
    meaning: 'What was given with --rate-limit-redis is no address of a Redis.',
    remedy: 'Write it as redis://host:6379, or rediss:// for TLS; without it, counters are kept in memory.',
  },
} as const
