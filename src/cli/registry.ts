// Every verb, in the order of the help. A verb's code is loaded when it is called: a proxy should not pay for the others.
import type { Verb } from './contract/verb.ts'

export const VERBS: readonly Verb[] = [
  {
    name: 'up',
    summary: 'start a whole mesh on this machine, from one directory',
    load: async () => (await import('./up/command.ts')).upCommand,
  },
  {
    name: 'run',
    summary: 'run a command as a workload of a running mesh',
    load: async () => (await import('./run/command.ts')).runCommand,
  },
  {
    name: 'ps',
    summary: 'list the processes of this mesh',
    load: async () => (await import('./ps/command.ts')).psCommand,
  },
  {
    name: 'apply',
    summary: 'apply configuration, all of it or nothing',
    load: async () => (await import('./apply/command.ts')).applyCommand,
  },
  {
    name: 'get',
    summary: 'show configuration, services and instances',
    load: async () => (await import('./get/command.ts')).getCommand,
  },
  {
    name: 'delete',
    summary: 'delete configuration',
    load: async () => (await import('./delete/command.ts')).deleteCommand,
  },
  {
    name: 'describe',
    summary: 'explain what applies to a service or a workload',
    load: async () => (await import('./describe/command.ts')).describeCommand,
  },
  {
    name: 'history',
    summary: 'list the revisions of the configuration',
    load: async () => (await import('./history/command.ts')).historyCommand,
  },
  {
    name: 'rollback',
    summary: 'bring the configuration back to an earlier revision',
    load: async () => (await import('./rollback/command.ts')).rollbackCommand,
  },
  {
    name: 'analyze',
    summary: 'find problems in configuration files, without a mesh',
    load: async () => (await import('./analyze/command.ts')).analyzeCommand,
  },
  {
    name: 'proxy-status',
    summary: 'show which proxies have which configuration',
    load: async () => (await import('./proxy-status/command.ts')).proxyStatusCommand,
  },
  {
    name: 'proxy-config',
    summary: 'show what a proxy was told: clusters, listeners, routes, endpoints, secrets',
    load: async () => (await import('./proxy-config/command.ts')).proxyConfigCommand,
  },
  {
    name: 'control-plane',
    summary: 'run the control plane',
    load: async () => (await import('./control-plane/command.ts')).controlPlaneCommand,
  },
  {
    name: 'proxy',
    summary: 'run the proxy of one workload, or a gateway',
    load: async () => (await import('./proxy/command.ts')).proxyCommand,
  },
  {
    name: 'bootstrap',
    summary: "print the bootstrap for a real Envoy in the place of a workload's proxy",
    load: async () => (await import('./bootstrap/command.ts')).bootstrapCommand,
  },
  {
    name: 'version',
    summary: 'print the versions of this program and of the mesh',
    load: async () => (await import('./version/command.ts')).versionCommand,
  },
  {
    name: 'completion',
    summary: 'print completions for bash, zsh or fish',
    load: async () => (await import('./completion/command.ts')).completionCommand,
  },
]
