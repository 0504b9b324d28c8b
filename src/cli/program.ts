// The command line as a whole: finds the verb, runs it, and turns whatever comes of it into an exit code.
import { Command, CommanderError } from 'commander'
import { ApiError } from './client/api-client.ts'
import { programVersion } from './client/program-version.ts'
import type { CliContext } from './contract/cli-context.ts'
import { CommandFailure } from './contract/command-failure.ts'
import { EXIT } from './contract/exit-code.ts'
import type { Verb } from './contract/verb.ts'
import { formatProblems } from './output/print-problems.ts'
import { VERBS } from './registry.ts'

/** Runs one command line (without node and the script) and resolves with its exit code; never rejects. */
export async function runProgram(context: Omit<CliContext, 'allCommands'>, args: readonly string[]): Promise<number> {
  const full: CliContext = { ...context, allCommands: () => loadAll(full) }
  try {
    const program = await buildProgram(full, args)
    await program.parseAsync([...args], { from: 'user' })
    return EXIT.ok
  } catch (error) {
    return report(full, error)
  }
}

async function buildProgram(context: CliContext, args: readonly string[]): Promise<Command> {
  const program = new Command('weft')
    .description("A service mesh in TypeScript: Istio's configuration, Envoy's xDS, on any machine with Node.")
    .usage('VERB [options]')
    .version(programVersion())
    .enablePositionalOptions()
    .addHelpText('after', '\nExample:\n  weft up examples/bookinfo\n\n"weft VERB --help" says more about each verb.')
  const wanted = args[0] === 'help' ? args[1] : args[0]
  for (const verb of VERBS) {
    if (verb.name === wanted) program.addCommand((await verb.load())(context))
    else program.addCommand(placeholder(verb), { hidden: verb.hidden === true })
  }
  settle(program, context)
  if (args.length === 0) program.action(() => context.stdout(program.helpInformation()))
  return program
}

async function loadAll(context: CliContext): Promise<readonly Command[]> {
  return Promise.all(VERBS.filter(verb => verb.hidden !== true).map(async verb => (await verb.load())(context)))
}

function placeholder(verb: Verb): Command {
  return new Command(verb.name).description(verb.summary)
}

/** Commander exits and prints by itself unless told otherwise, on every command of the tree. */
function settle(command: Command, context: CliContext): void {
  command.exitOverride()
  command.configureOutput({
    writeOut: context.stdout,
    writeErr: context.stderr,
    outputError: (text, write) => write(text.replace(/^error: /, 'weft: ')),
  })
  command.showHelpAfterError(
    command.parent === null ? '("weft --help" lists the verbs)' : `("weft ${path(command)} --help" says more)`,
  )
  for (const child of command.commands) settle(child, context)
}

function path(command: Command): string {
  return command.parent?.parent ? `${path(command.parent)} ${command.name()}` : command.name()
}

function report(context: CliContext, error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CommandFailure) {
    if (error.message !== '') context.stderr(`weft: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof ApiError) {
    if (error.problems.length > 0) context.stderr(formatProblems(error.problems))
    context.stderr(`weft: ${error.message}${error.code ? ` (${error.code})` : ''}\n`)
    return error.problems.length > 0 ? EXIT.problems : EXIT.failure
  }
  context.stderr(
    `weft: ${error instanceof Error ? (context.env['WEFT_DEBUG'] ? error.stack : error.message) : error}\n`,
  )
  return EXIT.failure
}
