/** The boot block as a listing: address, word, disassembly, reason. */
import { disassembleA32 } from '../isa/disassembler.js';
import type { Item } from '../isa/assembler.js';
import { readU32LE } from '../base/bytes.js';
import { hexDigits } from '../base/words.js';
import { blockItems } from './block.js';

/** Columns at which the disassembly and the reason begin. */
const REASON_COLUMN = 70;

/** The block's listing, one line an instruction, a word of data, a label or a run of zeros. */
export function listing(): string[] {
  const items = blockItems();
  const labels = new Map(items.flatMap((item) => item.labels.map((label) => [item.address, label] as const)));
  return items.flatMap((item) => [...item.labels.map((label) => `${label}:`), ...itemLines(item, labels)]);
}

function itemLines(item: Item, labels: ReadonlyMap<number, string>): string[] {
  const { address, bytes, kind, note } = item;
  if (kind === 'fill') return [`  ${hexDigits(address, 3)}            (${bytes.length} bytes of zeros)`];
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = readU32LE(bytes, at);
    const code =
      kind === 'instruction'
        ? instructionText(word, address, labels)
        : dataText(word, bytes.subarray(at, at + 4));
    const left = `  ${hexDigits(address + at, 3)}  ${hexDigits(word, 8)}  ${code}`;
    lines.push(at === 0 && note !== undefined ? `${left.padEnd(REASON_COLUMN)}  ${note}` : left);
  }
  return lines;
}

function instructionText(word: number, address: number, labels: ReadonlyMap<number, string>): string {
  const { mnemonic, operands, comment } = disassembleA32(word, {
    address,
    symbol: (target) => labels.get(target),
  })!;
  const text = `${mnemonic.padEnd(5)} ${operands}`.trimEnd();
  return comment === undefined ? text : `${text.padEnd(28)} ; ${comment}`;
}

/** Data as a number, and as text where every byte of it is a letter, a digit or a blank. */
function dataText(word: number, bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes);
  return /^[\w ]{4}$/.test(text) ? `.ascii "${text}"` : `.word 0x${hexDigits(word, 8)}`;
}
