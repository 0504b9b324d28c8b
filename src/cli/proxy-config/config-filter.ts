// What narrows the output of proxy-config, under istioctl's names.

export interface ConfigFilter {
  readonly fqdn?: string
  readonly port?: number
  readonly subset?: string
  readonly direction?: string
  readonly name?: string
  readonly address?: string
  readonly type?: string
  readonly status?: string
  readonly cluster?: string
}
