import { Argument, type Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { Shell } from './shell.ts';

/** `structdb completion bash|zsh|fish`: a script for the shell, made from the commands themselves. */
export function completionCommand(shell: Shell, program: () => Command): Command {
  return shell.command({
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    example: 'source <(structdb completion bash)',
    exitCodes: [EXIT.ok, EXIT.usage],
    configure: (command) =>
      void command.addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish'])),
    run: async (_session, [name]) => {
      const entries = entriesOf(program(), []);
      const script = name === 'fish' ? fish(entries) : name === 'zsh' ? zsh(entries) : bash(entries);
      return { result: { shell: name, script }, human: () => script };
    },
  });
}

interface Entry {
  /** The words typed so far, without the program's name. */
  readonly path: string;
  readonly words: readonly string[];
}

function entriesOf(command: Command, path: readonly string[]): Entry[] {
  const names = command.commands.map((child) => child.name());
  const flags = command.options.flatMap((option) => (option.long ? [option.long] : []));
  return [
    { path: path.join(' '), words: [...names, ...flags, '--help'] },
    ...command.commands.flatMap((child) => entriesOf(child, [...path, child.name()])),
  ];
}

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  return `# bash completion for structdb
_structdb() {
  local path='' word words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case $path in
${cases}
    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _structdb structdb
`;
}

function zsh(entries: readonly Entry[]): string {
  return `#compdef structdb\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) =>
    words.map((word) => {
      const condition = `test (string join ' ' -- (commandline -opc)[2..] | string replace -ra ' ?-\\\\S+' '') = '${path}'`;
      return `complete -c structdb -n "${condition}" ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`}`;
    }),
  );
  return `# fish completion for structdb\n${lines.join('\n')}\n`;
}
