import type { Command, Option } from 'commander';
import { pathOf } from '../../src/cli/usage.js';

/** Text as roff has it: no escape of its own, no request at a line's beginning (groff_man(7), roff(7)). */
const plain = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll(/^(?=[.'])/gm, '\\&');

const commandsOf = (command: Command): readonly Command[] => command.createHelp().visibleCommands(command);

/** What a command's help prints, with the texts behind it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

/** What stands under a heading of a help text, without the indentation of all of it. */
function under(heading: string, help: string): string[] {
  const lines = (help.split(`\n${heading}:\n`)[1] ?? '').split(/\n\n|\nExit status:/, 1)[0]!.split('\n');
  return lines.filter((line) => line !== '').map((line) => line.replace(/^ {2}/, ''));
}

const literal = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['.PP', '.nf', ...lines.map(plain), '.fi'];

const optionLines = (command: Command, options: readonly Option[]): string[] =>
  options.flatMap((option) => [
    '.TP',
    `.B ${plain(option.flags)}`,
    plain(command.createHelp().optionDescription(option)),
  ]);

/** A command and those below it. */
function sectionsOf(command: Command): string[] {
  const below = commandsOf(command);
  if (below.length > 0) return below.flatMap(sectionsOf);
  const help = command.createHelp();
  return [
    `.SS "${plain(`${pathOf(command)} ${command.usage()}`)}"`,
    plain(`${command.description()}.`),
    ...optionLines(
      command,
      help.visibleOptions(command).filter(({ long }) => long !== '--help'),
    ),
    ...literal(under('Example', helpOf(command))),
  ];
}

/**
 * The manual page of a program, in the macros of man(7), from its own definitions.
 * @param version of the program
 */
export function manualPage(program: Command, version: string): string {
  const help = program.createHelp();
  const name = program.name();
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${plain(version)}"`,
    '.SH NAME',
    `${name} \\- ${plain('Linux in HYP mode on a Raspberry Pi 2, and virtual machines beside it')}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    plain('[options] <command> ...'),
    '.SH DESCRIPTION',
    plain(program.description()),
    ...literal(under('Example', helpOf(program))),
    '.SH OPTIONS',
    ...optionLines(program, help.visibleOptions(program)),
    '.SH COMMANDS',
    ...commandsOf(program).flatMap(sectionsOf),
    '.SH EXIT STATUS',
    ...literal(under('Exit status', helpOf(program))),
    '.SH ENVIRONMENT',
    '.TP',
    '.B NO_COLOR',
    plain('set to anything: as --no-color, see https://no-color.org'),
    '.TP',
    '.B TERM=dumb',
    'the same',
    '',
  ].join('\n');
}
