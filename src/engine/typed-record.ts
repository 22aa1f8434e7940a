/** What was typed in a run, as lines of text, so that the run can be repeated: a header, then one JSON object a line. */
import { latin1 } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import type { TypedAt } from './session.js';

/** Something that was typed; the machine's time begins anew after each reset. */
export interface TypedInRun extends TypedAt {
  /** How many resets there were before. */
  readonly resets: number;
}

/** The first line of such a text. */
export const RECORD_HEADER = `${JSON.stringify({ hypberry: 'typed', version: 1 })}\n`;

/** The line for something that was typed: a character stands for a byte, `break` without quotes of its own for a break. */
export function recordLine({ resets, at, typed }: TypedInRun): string {
  const what = typed === 'break' ? { break: true } : { bytes: latin1(typed) };
  return `${JSON.stringify({ resets, at, ...what })}\n`;
}

/**
 * Reads such a text.
 * @throws HypberryError `record.invalid`, with the line's number
 */
export function readRecord(text: string): readonly TypedInRun[] {
  const lines = text.split('\n');
  if (`${lines[0]!}\n` !== RECORD_HEADER) throw invalid(1, 'it is not the header of a record');
  const all = lines.flatMap((line, i) => (i === 0 || line === '' ? [] : [readLine(line, i + 1)]));
  const wrong = all.findIndex((it, i) => {
    const before = all[i - 1];
    return before && (it.resets < before.resets || (it.resets === before.resets && it.at < before.at));
  });
  if (wrong >= 0) throw invalid(wrong + 2, 'its time lies before that of the line above');
  return all;
}

function readLine(line: string, number: number): TypedInRun {
  const { resets, at, bytes, ...rest } = parsed(line, number);
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isCount(resets) || typeof at !== 'number' || !(at >= 0)) throw invalid(number, 'it has no time');
  if (rest['break'] === true) return { resets, at, typed: 'break' };
  if (typeof bytes !== 'string' || bytes === '' || /[^\0-\xff]/.test(bytes))
    throw invalid(number, 'it says nothing that was typed');
  return { resets, at, typed: Uint8Array.from(bytes, (it) => it.charCodeAt(0)) };
}

function parsed(line: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw invalid(number, 'it is no JSON object');
}

const invalid = (line: number, what: string): HypberryError =>
  new HypberryError(
    'record.invalid',
    `Line ${line} of the record cannot be used: ${what}.`,
    'Use a file that "hypberry run --record" has written, as it wrote it.',
  );
