/**
 * Our lines in config.txt: one block between two marker lines, put in and taken out without touching any other byte.
 *
 * config.txt has no encoding of its own, so all of this works on bytes. Lines end as the file's first line ends.
 */
import { HypberryError } from '../base/errors.js';

const BEGIN = '# hypberry: begin (written by hypberry install, taken out by hypberry uninstall)';
/** The same, where the file did not end in a newline and ours is the one in front of this line. */
const BEGIN_AFTER_ADDED_NEWLINE = `${BEGIN} (the newline before this line too)`;
const END = '# hypberry: end';

const LF = 0x0a;
const CR = 0x0d;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes as one character each, so that offsets in the string are offsets in the bytes. */
function asText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x2000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  return text;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Where a line that is exactly `line` starts and where the next line starts; undefined where there is none. */
function findLine(text: string, line: string, from: number): { start: number; next: number } | undefined {
  for (let start = text.indexOf(line, from); start >= 0; start = text.indexOf(line, start + 1)) {
    if (start > 0 && text.charCodeAt(start - 1) !== LF) continue;
    const rest = text.slice(start + line.length, start + line.length + 2);
    if (rest === '') return { start, next: start + line.length };
    if (rest.startsWith('\n')) return { start, next: start + line.length + 1 };
    if (rest === '\r\n') return { start, next: start + line.length + 2 };
  }
  return undefined;
}

/** A config.txt taken apart. */
export interface SplitConfig {
  /** The bytes without our block: what the user wrote. */
  readonly without: Uint8Array;
  /** Our block's lines between the markers, undefined where there is no block. */
  readonly lines: readonly string[] | undefined;
}

/**
 * Takes our block out of a config.txt.
 * @param config the whole file
 * @returns the file as it was before {@link addBlock}, plus whatever was changed outside the block since
 * @throws HypberryError `setup.config-damaged` where only one of the two markers is there, or more than one block
 */
export function splitConfig(config: Uint8Array): SplitConfig {
  const text = asText(config);
  const plain = findLine(text, BEGIN, 0);
  const added = findLine(text, BEGIN_AFTER_ADDED_NEWLINE, 0);
  const end = findLine(text, END, 0);
  const begin = plain ?? added;
  if (!begin && !end) return { without: config, lines: undefined };
  const damaged =
    !begin ||
    !end ||
    (plain && added) ||
    end.start < begin.next ||
    [BEGIN, BEGIN_AFTER_ADDED_NEWLINE, END].some((marker) => findLine(text, marker, end.next)) ||
    findLine(text, begin === plain ? BEGIN : BEGIN_AFTER_ADDED_NEWLINE, begin.next);
  if (damaged) {
    throw new HypberryError(
      'setup.config-damaged',
      'The lines in config.txt that mark what hypberry wrote there are not one pair any more.',
      `Take out by hand what stands between "${BEGIN}" and "${END}", and those two lines, then try again.`,
    );
  }
  let start = begin.start;
  // The added newline is of the same kind as the one that ends the marker's own line.
  if (begin === added && start > 0) start -= text.charCodeAt(begin.next - 2) === CR ? 2 : 1;
  const lines = text.slice(begin.next, end.start).split(/\r?\n/).slice(0, -1);
  return { without: concat(config.subarray(0, start), config.subarray(end.next)), lines };
}

/**
 * Puts our block at the end of a config.txt, where the last value of a setting wins.
 * @param config the file without our block
 * @param lines the block's lines, without line ends
 * @returns the new file; {@link splitConfig} gives back `config` exactly
 */
export function addBlock(config: Uint8Array, lines: readonly string[]): Uint8Array {
  const firstEnd = config.indexOf(LF);
  const lineEnd = firstEnd > 0 && config[firstEnd - 1] === CR ? '\r\n' : '\n';
  const needsNewline = config.length > 0 && config[config.length - 1] !== LF;
  const begin = needsNewline ? BEGIN_AFTER_ADDED_NEWLINE : BEGIN;
  const block = [begin, ...lines, END].map((line) => line + lineEnd).join('');
  return concat(config, encode(needsNewline ? lineEnd + block : block));
}
