import { expect, test } from 'vitest';
import { translateHypervisor } from '../../src/hypervisor/assembly/code.js';
import { hypervisorBase64 } from '../../src/hypervisor/hypervisor-binary.js';
import { SAVED_WORD, SAVED_WORDS } from '../../src/hypervisor/shared/saved-registers.js';
import { VCPU_SAVED, VCPU_VFP } from '../../src/hypervisor/shared/layout.js';

/**
 * Registers that the body reads or writes in a vcpu that is not loaded, by the instruction that reads them, with what
 * is a register of the general ones as "-" (ARM ARM table B3-42 and B8-1, B9.3.8).
 */
const READ_BY: Readonly<Record<string, string>> = {
  ELR_hyp: 'mrs -, ELR_hyp',
  SPSR_hyp: 'mrs -, SPSR',
  SP_usr: 'mrs -, SP_usr',
  R8_fiq: 'mrs -, R8_fiq',
  SCTLR: 'mrc p15, 0, -, c1, c0, 0',
  CNTV_CTL: 'mrc p15, 0, -, c14, c3, 1',
  CNTV_CVAL: 'mrrc p15, 3, -, -, c14',
  CNTVOFF: 'mrrc p15, 4, -, -, c14',
  VMPIDR: 'mrc p15, 4, -, c0, c0, 5',
  VTTBR: 'mrrc p15, 6, -, -, c2',
  HCR: 'mrc p15, 4, -, c1, c1, 0',
};
const NAMES = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'sl', 'fp', 'ip'];

/** The instructions of a function of the image's, from its label to where it returns. */
function codeOf(listing: string, label: string): string[] {
  const lines = listing.split('\n');
  const code = lines.slice(lines.indexOf(`${label}:`) + 1).map((line) => line.slice(20));
  return code.slice(
    0,
    code.findIndex((it) => it.startsWith('pop ')),
  );
}

const listing = translateHypervisor(Buffer.from(hypervisorBase64, 'base64'), 0x1000_0000, false).listing();

/** What each word of a block is moved by, as the code itself says, with the moves between two blocks in their order. */
function movesOf(label: string, block: 'ldm' | 'stm', move: RegExp): string[] {
  const words: string[] = [];
  const held = new Map<string, string>();
  let order: string[] = [];
  const flush = (): void => {
    words.push(...order.map((register) => held.get(register)!));
    held.clear();
    order = [];
  };
  for (const text of codeOf(listing, label)) {
    if (text.startsWith(block)) {
      if (block === 'ldm') flush();
      order = /\{(.*)\}/.exec(text)![1]!.split(', ');
      if (block === 'stm') flush();
    } else if (move.test(text)) {
      const operands = text.split(/,? /).slice(1);
      const registers = operands.filter((it) => NAMES.includes(it));
      const what = text.replace(/\b(?:r\d|sl|fp|ip)\b/g, '-');
      registers.forEach((register, i) => held.set(register, i === 0 ? what : ''));
    }
  }
  flush();
  return words;
}

const saved = movesOf('saveVcpu', 'stm', /^m(?:rs|rc|rrc) /);
const loaded = movesOf('loadVcpu', 'ldm', /^m(?:sr|cr|crr) /);

test('the world switch saves each register at the word where the body looks for it', () => {
  expect(saved).toHaveLength(SAVED_WORDS);
  for (const [name, instruction] of Object.entries(READ_BY))
    expect(saved[SAVED_WORD.get(name)!], name).toBe(instruction);
});

test('it loads what it saves from the same words', () => {
  const asLoad = (text: string): string =>
    text
      .replace(/^mrs -, SPSR$/, 'msr SPSR_fsxc, -')
      .replace(/^mrs -, (.*)$/, 'msr $1, -')
      .replace(/^mrc/, 'mcr')
      .replace(/^mrrc/, 'mcrr');
  expect(loaded).toEqual(saved.map(asLoad));
});

test('what is saved has room in a vcpu before its VFP registers', () => {
  expect(VCPU_SAVED + 4 * SAVED_WORDS).toBeLessThanOrEqual(VCPU_VFP);
});
