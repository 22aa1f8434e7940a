/** Completion of commands, options, cards and guests in a shell: its script, and what that asks for. */
import fs from 'node:fs';
import type { Command, Option } from 'commander';
import { HypberryError } from '../base/errors.js';
import { openCard } from '../node/open-card.js';
import { guestNames } from '../usecases/guests.js';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_hypberry() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
    case "$word" in */) compopt -o nospace ;; esac
  done < <("$1" complete-words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o filenames -F _hypberry hypberry`,
  zsh: `#compdef hypberry
_hypberry() {
  local -a all
  all=("\${(@f)$("\${words[1]}" complete-words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -S '' -- "\${(@M)all:#*/}"
  compadd -- "\${(@)all:#(*/|)}"
}
compdef _hypberry hypberry`,
  fish: `function __hypberry_words
  set -l words (commandline -opc)
  $words[1] complete-words -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c hypberry -f -a '(__hypberry_words)'`,
};

/**
 * The script that a shell is to read.
 * @throws HypberryError `usage.invalid`
 */
export function completionFor(shell: string): string {
  const script = SCRIPTS[shell];
  if (script !== undefined) return script;
  throw new HypberryError(
    'usage.invalid',
    `hypberry knows no completion for "${shell}".`,
    `There is one for each of ${Object.keys(SCRIPTS).join(', ')}.`,
  );
}

/**
 * What may stand where the last of these words has begun.
 * @param words those behind the program's name; bash has a word of its own for "="
 */
export async function complete(root: Command, words: readonly string[]): Promise<string[]> {
  const whole = words
    .join('\n')
    .replaceAll(/\n=(?:\n|$)/g, '=')
    .split('\n');
  const begun = whole.pop() ?? '';
  // Of an option with its value, bash completes the value alone, others all of it.
  const [assigned = ''] = /^--[^=]*=/.exec(begun) ?? [];
  const value = begun.slice(assigned.length);
  const kept = words.at(-1) === begun ? assigned : '';
  let command = root;
  let waiting: Option | undefined;
  const given: string[] = [];
  for (const word of whole) {
    if (waiting) waiting = undefined;
    else if (word.startsWith('-')) waiting = takingNext(optionOf(command, word), word);
    else command = belowOf(command).find((it) => it.name() === word) ?? (given.push(word), command);
  }
  if (assigned !== '') waiting = optionOf(command, assigned);
  const all = await possible(command, given, waiting, value);
  return all
    .filter((it) => it.startsWith(value))
    .sort()
    .map((it) => kept + it);
}

const belowOf = (command: Command): readonly Command[] => command.createHelp().visibleCommands(command);

/** A command's options, and those of every command. */
const optionsOf = (command: Command): Option[] => [
  ...command.createHelp().visibleOptions(command),
  ...(command.parent ? optionsOf(command.parent) : []),
];

const optionOf = (command: Command, word: string): Option | undefined =>
  optionsOf(command).find(({ long, short }) => [long, short].includes(word.split('=', 1)[0]));

const takingNext = (option: Option | undefined, word: string): Option | undefined =>
  option?.required === true && !word.includes('=') ? option : undefined;

async function possible(
  command: Command,
  given: readonly string[],
  waiting: Option | undefined,
  begun: string,
): Promise<string[]> {
  if (waiting) return valuesOf(waiting, given[0], begun);
  if (begun.startsWith('-'))
    return optionsOf(command).flatMap(({ long, hidden }) => (long !== undefined && !hidden ? [long] : []));
  const below = belowOf(command).map((it) => it.name());
  if (below.length > 0) return below;
  switch (command.registeredArguments[given.length]?.name()) {
    case 'target':
      return cardsFrom(begun);
    case 'name':
      return namesOn(given[0]);
    case 'shell':
      return Object.keys(SCRIPTS);
    case 'command...':
    case 'command':
      return command.parent ? belowOf(command.parent).map((it) => it.name()) : [];
    default:
      return [];
  }
}

async function valuesOf(option: Option, target: string | undefined, begun: string): Promise<string[]> {
  if (option.argChoices) return option.argChoices;
  if (/<(?:file|folder)>$/.test(option.flags)) return filesFrom(begun, () => true);
  if (option.long === '--console') return ['host', 'hypberry', ...(await namesOn(target))];
  return [];
}

/** Folders and files whose path begins so; a folder ends with "/". */
function filesFrom(begun: string, wanted: (name: string, entry: fs.Dirent) => boolean): string[] {
  const home = /^~(?=\/)/;
  const folder = begun.slice(0, begun.lastIndexOf('/') + 1);
  const real = folder.replace(home, process.env['HOME'] ?? '~');
  try {
    return fs.readdirSync(real === '' ? '.' : real, { withFileTypes: true }).flatMap((entry) => {
      if (entry.name.startsWith('.') && !begun.slice(folder.length).startsWith('.')) return [];
      const isFolder =
        entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(`${real}${entry.name}`));
      if (isFolder) return [`${folder}${entry.name}/`];
      return wanted(entry.name, entry) ? [`${folder}${entry.name}`] : [];
    });
  } catch {
    // Not there, or not to be read: nothing to choose from.
    return [];
  }
}

function leadsToFolder(link: string): boolean {
  try {
    return fs.statSync(link).isDirectory();
  } catch {
    // To nowhere, to itself, or to where this user may not look.
    return false;
  }
}

/** Folders, images and disks whose path begins so. */
const cardsFrom = (begun: string): string[] =>
  filesFrom(begun, (name, entry) => /\.img$/i.test(name) || entry.isBlockDevice());

/** The guests of a card; none where it cannot be read. */
async function namesOn(target: string | undefined): Promise<string[]> {
  if (target === undefined) return [];
  try {
    return await guestNames((access) => openCard(target, access));
  } catch {
    return [];
  }
}
