// weft completion: what a shell needs to complete verbs and options.
import { Argument, Command } from 'commander'
import type { CliContext } from '../contract/cli-context.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function completionCommand(context: CliContext): Command {
  return new Command('completion')
    .description('Print completions of verbs and options for a shell.')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(weft completion bash)\n  weft completion zsh > ~/.zfunc/_weft\n' +
        '  weft completion fish > ~/.config/fish/completions/weft.fish',
    )
    .action(async (shell: Shell) => {
      const commands = await context.allCommands()
      context.stdout(SCRIPTS[shell](commands))
    })
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash: commands => `# weft completions for bash: source <(weft completion bash)
_weft() {
  local word=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(command => command.name()).join(' ')}" -- "$word"))
    return
  fi
  case "$verb" in
${commands.map(command => `    ${command.name()}) COMPREPLY=($(compgen -W "${words(command)}" -- "$word")) ;;`).join('\n')}
  esac
}
complete -o default -F _weft weft
`,
  zsh: commands => `#compdef weft
_weft() {
  local -a verbs
  verbs=(
${commands.map(command => `    '${command.name()}:${quoted(command.description())}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'verb' verbs
    return
  fi
  case "$words[2]" in
${commands.map(command => `    ${command.name()}) compadd -- ${words(command)} ; _files ;;`).join('\n')}
  esac
}
compdef _weft weft
`,
  fish: commands =>
    `# weft completions for fish\n${commands
      .flatMap(command => [
        `complete -c weft -n __fish_use_subcommand -f -a ${command.name()} -d '${quoted(command.description())}'`,
        ...command.options.map(
          option =>
            `complete -c weft -n '__fish_seen_subcommand_from ${command.name()}'` +
            `${option.long ? ` -l ${option.long.slice(2)}` : ''}${option.short ? ` -s ${option.short.slice(1)}` : ''}` +
            ` -d '${quoted(option.description)}'`,
        ),
      ])
      .join('\n')}\n`,
}

function words(command: Command): string {
  return command.options.flatMap(option => [option.long, option.short].filter(flag => flag !== undefined)).join(' ')
}

/** Inside single quotes of a shell. */
function quoted(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', ' -')
}
