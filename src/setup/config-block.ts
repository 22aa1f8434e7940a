/**
 * Our lines in config.txt: one block between two marker lines, put in and taken out without touching any other byte.
 *
 * config.txt has no encoding of its own, so all of this works on bytes. Lines end as the file's first line ends.
 */
import { concatBytes, latin1 } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { trimBlanks } from '../firmware/lines.js';

/** Short: firmware before 2019 reads 78 characters of a line. */
const BEGIN = '# hypberry: begin ("hypberry uninstall" takes these lines out)';
/** The same, where the file did not end in a newline and ours is the one in front of this line. */
const BEGIN_AFTER_ADDED_NEWLINE = `${BEGIN} +newline`;
/** The same, where there was no file. */
const BEGIN_OF_NEW_FILE = `${BEGIN} +file`;
const BEGINS = [BEGIN, BEGIN_AFTER_ADDED_NEWLINE, BEGIN_OF_NEW_FILE];
const END = '# hypberry: end';

/** Says that block and hypervisor are installed with diagnostics: a comment, as it is nobody's but a later install's. */
const DIAGNOSTICS = '# diagnostics: on ("hypberry install --no-diagnostics" ends that)';

/** Every line that install, of this release or an earlier one, writes between the markers, but one. */
const OWN_LINE = new RegExp(
  `^(?:${DIAGNOSTICS.replace(/[()]/g, '\\$&')}|\\[all\\]|\\[pi2\\]|kernel_old=1|device_tree_address=0x08000000|` +
    '(?:kernel|armstub|device_tree)=hypberry-[0-9a-f]{8}\\.(?:img|bin|dtb))$',
);
/** That one, and what is always in front of it (of earlier ones, the tree): elsewhere it is somebody's own. */
const OWN_INITRAMFS = /^initramfs \S+ followkernel$/;
const BEFORE_INITRAMFS = /^(?:kernel|device_tree)=hypberry-/;

const LF = 0x0a;
const CR = 0x0d;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Line {
  readonly line: string;
  /** Where it starts, and where the next line does. */
  readonly start: number;
  readonly next: number;
}

/** Every line that is `line`, whatever blanks stand at its ends: the firmware passes over them. */
function findLines(text: string, line: string): Line[] {
  const found: Line[] = [];
  let next = 0;
  for (let at = text.indexOf(line); at >= 0; at = text.indexOf(line, next)) {
    const start = text.lastIndexOf('\n', at) + 1;
    const end = text.indexOf('\n', at);
    next = end < 0 ? text.length : end + 1;
    if (trimBlanks(text.slice(start, next)) === line) found.push({ line, start, next });
  }
  return found;
}

/** A config.txt taken apart. */
export interface SplitConfig {
  /** The bytes without our block: what the user wrote. Undefined where there was no file, and nothing was added. */
  readonly without: Uint8Array | undefined;
  /** Our block's lines between the markers, undefined where there is no block. */
  readonly lines: readonly string[] | undefined;
}

/**
 * Takes our block out of a config.txt.
 * @param config the whole file, undefined where there is none
 * @returns the file as it was before {@link addBlock}, plus whatever was changed outside the block since
 * @throws HypberryError `setup.config-damaged` where only one of the two markers is there, more than one block, or a line
 *   between them that somebody else wrote
 */
export function splitConfig(config: Uint8Array | undefined): SplitConfig {
  if (config === undefined) return { without: undefined, lines: undefined };
  const text = latin1(config);
  const begins = BEGINS.flatMap((marker) => findLines(text, marker));
  const ends = findLines(text, END);
  if (begins.length === 0 && ends.length === 0) return { without: config, lines: undefined };
  const [begin] = begins;
  const [end] = ends;
  if (!begin || !end || begins.length > 1 || ends.length > 1 || end.start < begin.next) {
    const first = begin?.line ?? BEGIN;
    const [there, missing] = begin ? [first, END] : [END, first];
    const isHalf = begins.length + ends.length === 1;
    throw new HypberryError(
      'setup.config-damaged',
      isHalf
        ? `Of the two lines in config.txt that mark what hypberry wrote there, "${missing}" is gone.`
        : 'The lines in config.txt that mark what hypberry wrote there are not one pair any more.',
      isHalf
        ? `Take out by hand "${there}", and ${begin ? 'behind' : 'in front of'} it the lines that name hypberry's files and their [pi2] and [all], no others; then try again.`
        : `Take out by hand what stands between "${first}" and "${END}", and those two lines, then try again.`,
    );
  }
  const lines = text.slice(begin.next, end.start).split(/\r?\n/).slice(0, -1);
  const filled = lines.map(trimBlanks).filter((line) => line !== '');
  const stranger = filled.find((line, i) => !isOwn(line, filled[i - 1]));
  if (stranger !== undefined) {
    throw new HypberryError(
      'setup.config-damaged',
      `Between the lines in config.txt that mark what hypberry wrote there stands one that it did not write: "${stranger}".`,
      `Move that line behind "${END}", or take it out, then try again.`,
    );
  }
  let start = begin.start;
  if (begin.line === BEGIN_AFTER_ADDED_NEWLINE && end.next === config.length) {
    // Lines that were added behind the block need it. The added newline is of the same kind as the one that ends the marker's
    // own line; another one ends a line that somebody put in between.
    const added = text.charCodeAt(begin.next - 2) === CR ? '\r\n' : '\n';
    if (text.slice(0, start).endsWith(added)) start -= added.length;
  }
  const without = concatBytes(config.subarray(0, start), config.subarray(end.next));
  return {
    without: begin.line === BEGIN_OF_NEW_FILE && without.length === 0 ? undefined : without,
    lines,
  };
}

/** Whether a line, behind the one before it, is one of ours. */
function isOwn(line: string, before: string | undefined): boolean {
  if (isKind(line, OWN_LINE)) return true;
  return before !== undefined && isKind(line, OWN_INITRAMFS) && isKind(before, BEFORE_INITRAMFS);
}

/** Whether a line is of a kind; somebody may have made it a comment, or {@link muteBlock} did. */
function isKind(line: string, kind: RegExp): boolean {
  if (kind.test(line)) return true;
  if (!line.startsWith('#')) return false;
  const commented = line.replace(/^#\s*/, '');
  return ['', 'k', 'a', 'd', 'i'].some((first) => kind.test(first + commented));
}

/** Whether the block's lines say that it is installed with diagnostics. */
export function hasDiagnostics(lines: readonly string[] | undefined): boolean {
  return lines?.some((line) => trimBlanks(line) === DIAGNOSTICS) === true;
}

/** The block's lines with the one that {@link hasDiagnostics} looks for. */
export function withDiagnostics(lines: readonly string[]): readonly string[] {
  return [DIAGNOSTICS, ...lines];
}

/**
 * Puts our block at the end of a config.txt, where the last value of a setting wins.
 * @param config the file without our block, undefined where there is none
 * @param lines the block's lines, without line ends
 * @returns the new file; {@link splitConfig} gives back `config` exactly
 */
export function addBlock(config: Uint8Array | undefined, lines: readonly string[]): Uint8Array {
  const before = config ?? new Uint8Array(0);
  const firstEnd = before.indexOf(LF);
  const lineEnd = firstEnd > 0 && before[firstEnd - 1] === CR ? '\r\n' : '\n';
  const needsNewline = before.length > 0 && before[before.length - 1] !== LF;
  const begin = config === undefined ? BEGIN_OF_NEW_FILE : needsNewline ? BEGIN_AFTER_ADDED_NEWLINE : BEGIN;
  const block = [begin, ...lines, END].map((line) => line + lineEnd).join('');
  return concatBytes(before, encode(needsNewline ? lineEnd + block : block));
}

/**
 * A config.txt with every line of our block that sets something made a comment, of the same length: to the firmware it is as
 * without the block.
 * @param config a file with one block, see {@link splitConfig}
 */
export function muteBlock(config: Uint8Array): Uint8Array {
  const text = latin1(config);
  const [begin] = BEGINS.flatMap((marker) => findLines(text, marker));
  const [end] = findLines(text, END);
  const muted = config.slice();
  if (!begin || !end) return muted;
  for (let at = begin.next; at < end.start; at = text.indexOf('\n', at) + 1) {
    const line = trimBlanks(text.slice(at, text.indexOf('\n', at)));
    if (line !== '' && !line.startsWith('[')) muted[at] = '#'.charCodeAt(0);
  }
  return muted;
}
