/** Usage errors: what of a command line is wrong, and whose help explains it. */
import type { Command, CommanderError } from 'commander';
import { HypberryError } from '../base/errors.js';
import { listed } from '../base/words.js';

/** Our codes for the library's. */
const CODES: Readonly<Record<string, string>> = {
  'commander.unknownCommand': 'usage.unknown-command',
  'commander.unknownOption': 'usage.unknown-option',
  'commander.missingArgument': 'usage.missing',
  'commander.missingMandatoryOptionValue': 'usage.missing',
  'commander.optionMissingArgument': 'usage.missing-value',
  'commander.excessArguments': 'usage.too-many',
  'commander.invalidArgument': 'usage.invalid',
  'commander.conflictingOption': 'usage.conflict',
};

/** What hands type that know docker, virsh or multipass, and what that is here. */
const HABITS: readonly (readonly [readonly string[], string])[] = [
  [['list', 'ls', 'ps'], 'Is "hypberry guest list" meant?'],
  [['info', 'show', 'status'], 'Is "hypberry inspect" meant?'],
  [['create', 'launch', 'define'], 'Is "hypberry guest add" meant?'],
  [['edit', 'update', 'change', 'config', 'modify'], 'Is "hypberry guest set" meant?'],
  [['mv', 'domrename'], 'Is "hypberry guest rename" meant?'],
  [['rm', 'delete', 'undefine', 'destroy'], 'Is "hypberry guest remove" meant?'],
  [['boot', 'emulate'], 'Is "hypberry run" meant?'],
  [['write', 'flash'], 'Is "hypberry install" meant?'],
  [
    ['start', 'stop', 'restart', 'reboot', 'shutdown', 'kill'],
    'Virtual machines start with the Pi, and run as long as it does.',
  ],
];

/** How a command is called, `hypberry guest add`. */
export const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

const commandsOf = (command: Command): Command[] => [...command.createHelp().visibleCommands(command)];

/** Has each command and those below it throw HypberryError `usage.…`; the library's own error where help was asked for. */
export function onUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    throw CODES[error.code] === undefined ? error : usageError(command, error);
  });
  for (const below of command.commands) onUsageErrors(below);
}

/**
 * The command of these names.
 * @throws HypberryError `usage.unknown-command`
 */
export function commandOf(command: Command, names: readonly string[]): Command {
  const [first, ...rest] = names;
  if (first === undefined) return command;
  const below = commandsOf(command).find((it) => it.name() === first);
  if (!below) throw unknownCommand(command, first);
  return commandOf(below, rest);
}

function usageError(command: Command, { code, message }: CommanderError): HypberryError {
  if (code === 'commander.unknownCommand') return unknownCommand(command, command.args[0] ?? '');
  const [, what, meant] = /^(?:error: )?([^]*?)(?:\n\(Did you mean ([^\n]*)\?\))?$/.exec(message)!;
  const sentence =
    CODES[code] === 'usage.missing'
      ? `"${pathOf(command)}" lacks ${listed(missing(command))}.`
      : `${what![0]!.toUpperCase()}${what!.slice(1)}${what!.endsWith('.') ? '' : '.'}`;
  return new HypberryError(
    CODES[code]!,
    sentence,
    `${meant === undefined ? '' : `Is ${meant} meant? `}"${pathOf(command)} --help" shows how it is used.`,
  );
}

function unknownCommand(command: Command, name: string): HypberryError {
  const names = commandsOf(command).map((it) => it.name());
  const habit = HABITS.find(([words]) => words.includes(name))?.[1];
  return new HypberryError(
    'usage.unknown-command',
    `There is no command "${pathOf(command)} ${name}".`,
    `${habit === undefined ? '' : `${habit} `}There are ${listed(names)}; "${pathOf(command)} --help" says what they do.`,
  );
}

/** All that a command wants and was not given. */
function missing(command: Command): string[] {
  const given = command.args.filter((it) => !it.startsWith('-')).length;
  return [
    ...command.options
      .filter((it) => it.mandatory && command.getOptionValue(it.attributeName()) === undefined)
      .map(({ flags }) => flags),
    ...command.registeredArguments
      .slice(given)
      .filter(({ required }) => required)
      .map((it) => `<${it.name()}>`),
  ];
}
