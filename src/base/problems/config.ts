// WEFT-1xxx: config that was read and refused.

export const CONFIG_PROBLEMS = {
  'WEFT-1001': {
    title: 'not YAML',
    meaning: 'The text could not be parsed as YAML.',
    remedy: 'Mend the syntax at the position named.',
  },
  'WEFT-1002': {
    title: 'unknown kind',
    meaning: 'A document is not an object with a kind and an API version that Weft reads.',
    remedy: 'Correct kind and apiVersion, or leave the document out.',
  },
  'WEFT-1003': {
    title: 'unknown field',
    meaning: 'The object has a field that neither Istio nor Kubernetes, or in a bootstrap Envoy, knows at this place.',
    remedy: 'Correct the spelling or the indentation; nothing is ever skipped silently.',
  },
  'WEFT-1004': {
    title: 'wrong type',
    meaning: 'A field holds a value of another type than it takes.',
    remedy: 'Write a value of the type named; quote numbers and booleans that are meant as text.',
  },
  'WEFT-1005': {
    title: 'bad value',
    meaning: 'A field holds a value that it may not have.',
    remedy: 'Write one of the values that the message names.',
  },
  'WEFT-1006': {
    title: 'missing field',
    meaning: 'A field that the object cannot do without is absent or empty.',
    remedy: 'Add the field.',
  },
  'WEFT-1007': {
    title: 'not supported yet',
    meaning: 'Istio or Kubernetes has this kind, field or value; Weft does not honour it yet, and does not pretend to.',
    remedy: 'Leave it out, or keep to what docs/differences-from-istio.md lists as supported.',
  },
  'WEFT-1008': {
    title: 'bad metadata',
    meaning: 'A name, namespace, label or annotation is not one that Kubernetes would take.',
    remedy: 'Use lower-case letters, digits and dashes; labels of at most 63 characters.',
  },
  'WEFT-1009': {
    title: 'duplicate object',
    meaning: 'The same kind, namespace and name occurs twice in what was given.',
    remedy: 'Remove one of the two, or rename it.',
  },
  'WEFT-1010': {
    title: 'config too large',
    meaning: 'A text, document or value is larger, deeper or more numerous than the bounds allow.',
    remedy: 'Split the config, and write aliases out.',
  },
  'WEFT-1011': {
    title: 'contradiction',
    meaning: 'Fields of one object exclude each other, or need each other.',
    remedy: 'Keep to one of the forms that the message names.',
  },
  'WEFT-1012': {
    title: 'rule without effect',
    meaning: 'A rule, match or setting can never take effect where it stands. Traffic is as if it were absent.',
    remedy: 'Reorder or remove it.',
  },
  'WEFT-1101': {
    title: 'unknown host',
    meaning: 'A rule refers to a host that no Service, ServiceEntry or registered service has. Requests to it get 503.',
    remedy: 'Correct the host; a short name belongs to the namespace of the object that holds it.',
  },
  'WEFT-1102': {
    title: 'unknown subset',
    meaning: 'A route names a subset that no DestinationRule of the host defines. Requests to it get 503.',
    remedy: 'Define the subset, or correct its name.',
  },
  'WEFT-1103': {
    title: 'unknown gateway',
    meaning: 'A VirtualService names a Gateway that does not exist. It has no effect there.',
    remedy: 'Define the Gateway, or correct the reference: NAME, or NAMESPACE/NAME.',
  },
  'WEFT-1104': {
    title: 'conflicting virtual services',
    meaning: 'Two VirtualServices for sidecars claim one host; they are not merged, the oldest wins.',
    remedy: 'Put the rules for a host into one VirtualService.',
  },
  'WEFT-1105': {
    title: 'destination port required',
    meaning: 'A route sends to a service of several ports and names none.',
    remedy: 'Add destination.port.number.',
  },
  'WEFT-1106': {
    title: 'selector selects nothing',
    meaning: 'No workload carries the labels that a selector or subset asks for.',
    remedy: 'Correct the labels, or start the workload.',
  },
  'WEFT-1107': {
    title: 'workload without the port',
    meaning: 'A service selects a workload that does not declare the port its targetPort names; it gets no traffic.',
    remedy: 'Declare the port on the workload, or correct targetPort.',
  },
  'WEFT-1108': {
    title: 'duplicate service',
    meaning: 'Two objects define one host name. The oldest is used.',
    remedy: 'Remove one of them.',
  },
  'WEFT-1109': {
    title: 'host not served by the gateway',
    meaning: 'A VirtualService is bound to a Gateway that serves none of its hosts.',
    remedy: 'Add the host to a server of the Gateway, or correct it.',
  },
  'WEFT-1110': {
    title: 'unknown destination port',
    meaning: 'A route names a port that the destination service has not. Requests to it get 503.',
    remedy: 'Correct destination.port.number.',
  },
  'WEFT-1111': {
    title: 'delegate not found',
    meaning:
      'A rule delegates to a VirtualService that does not exist, has hosts of its own, or is not exported to the namespace; or a VirtualService without hosts has no rule that delegates to it. The rule is left out.',
    remedy: 'Correct delegate.name and delegate.namespace, leave the hosts of the delegate out, or widen its exportTo.',
  },
  'WEFT-1112': {
    title: 'delegate outside its root',
    meaning:
      'A rule of a delegate matches what the rule that delegates to it does not match. It is left out. Beside a regex, or {} for presence, only a rule that says nothing of the same field counts as inside.',
    remedy: 'Narrow the match of the delegate, or widen that of the root.',
  },
  'WEFT-1131': {
    title: 'rollout without say',
    meaning:
      'A Rollout names a service of another namespace, one that several namespaces define, or one that an older Rollout decides about; or a rule sends to its canary whatever it says, or takes the requests of its service by a wildcard.',
    remedy:
      'Keep one Rollout for a service, in its namespace; let rules send to the stable subset, or to the service without a subset.',
  },
  'WEFT-1132': {
    title: 'weight decided by a rollout',
    meaning: 'A rule gives the subsets of a Rollout weights of its own. The Rollout decides how they share.',
    remedy: 'Send to the stable subset alone; the sum of the weights of the two is kept.',
  },
} as const
