// How proxies reach the control plane.

/** The name in the control plane's certificate that proxies insist on, whatever address they dial; Istio's too. */
export const CONTROL_PLANE_SERVER_NAME = 'istiod.istio-system.svc'
