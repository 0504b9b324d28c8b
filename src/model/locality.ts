// Where an endpoint is, in Istio's three steps.

export interface Locality {
  readonly region: string
  readonly zone: string
  readonly subZone: string
}

export const NO_LOCALITY: Locality = { region: '', zone: '', subZone: '' }
