// -n, as everywhere.
import { Option } from 'commander'

export function namespaceOption(): Option {
  return new Option('-n, --namespace <namespace>', 'namespace of what is named')
    .default('default')
    .env('WEFT_NAMESPACE')
}
