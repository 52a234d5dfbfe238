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
      const entries = entriesOf(program(), [], shell);
      const script = name === 'fish' ? fish(entries) : name === 'zsh' ? zsh(entries) : bash(entries);
      return { result: { shell: name, script }, human: () => script };
    },
  });
}

interface Entry {
  /** The words that name the command, without the program's name. */
  readonly path: string;
  readonly words: readonly string[];
}

function entriesOf(command: Command, path: readonly string[], shell: Shell): Entry[] {
  const names = command.commands.map((child) => child.name());
  // `structdb bench --quick`: the flags of the verb that need not be typed are the group's.
  const flags = [command, ...command.commands.filter((child) => shell.isDefault(child))].flatMap(({ options }) =>
    options.flatMap((option) => (option.long ? [option.long] : [])),
  );
  return [
    { path: path.join(' '), words: [...names, ...new Set([...flags, '--help'])] },
    ...command.commands.flatMap((child) => entriesOf(child, [...path, child.name()], shell)),
  ];
}

function pathsOf(entries: readonly Entry[]): string[] {
  return entries.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
}

// Both scripts go through the words before the cursor and take those that name a command: the others are flags, their
// values and arguments.

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n');
  return `# bash completion for structdb
_structdb() {
  local path='' longer words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    longer="\${path:+$path }\${COMP_WORDS[index]}"
    case $longer in ${pathsOf(entries).join('|')}) path=$longer ;; esac
  done
  case $path in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _structdb structdb
`;
}

function zsh(entries: readonly Entry[]): string {
  return `#compdef structdb\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words }) =>
    words.map((word) => {
      const offer = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c structdb -n "__structdb_at '${path}'" ${offer}`;
    }),
  );
  return `# fish completion for structdb
function __structdb_at
  set -l path
  for word in (commandline -opc)[2..]
    contains -- (string join ' ' -- $path $word) ${pathsOf(entries).join(' ')}
    and set -a path $word
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}
