/** What was seen inside the built-in machine, for people. */
import { drawTimeline } from '../engine/draw-timeline.js';
import type { Activity, CoreState, MachineReport } from '../engine/machine-report.js';
import { hexDigits } from '../base/words.js';
import { colors, say, screen } from './output.js';

/** Columns where standard output is no terminal, or one that does not say. */
const COLUMNS = 80;

const digits = (value: number): string => hexDigits(value, 8);

/** Where a core is: three lines. */
function coreLines({ core, pc, mode, secure, thumb, waiting, registers, CPSR }: CoreState): string[] {
  const state = `${mode} ${secure ? 'secure' : 'non-secure'}`;
  const sleep = { no: '', interrupt: ', sleeps in WFI', event: ', sleeps in WFE' }[waiting];
  const row = (from: number): string =>
    `  r${from}`.padEnd(6) +
    registers
      .slice(from, from + 8)
      .map(digits)
      .join(' ');
  return [
    `core ${core}  ${state}  pc ${digits(pc)}  cpsr ${digits(CPSR)}${thumb ? ' T32' : ''}${sleep}`,
    row(0),
    row(8),
  ];
}

/** Prints where every core is. */
function sayCores({ cores }: MachineReport): void {
  for (const core of cores) for (const line of coreLines(core)) say(line);
}

/** HYP mode stands out, sleep steps back; Secure state is warm, the rest cool. */
function paint({ mode, secure }: Activity, text: string): string {
  if (mode === 'waiting') return colors.dim(text);
  if (mode === 'hyp') return colors.green(text);
  if (mode === 'usr') return colors.blue(text);
  return secure ? colors.red(text) : colors.cyan(text);
}

/** Prints the timeline, as wide as the terminal. */
function sayTimeline({ timeline }: MachineReport): void {
  if (!timeline) return;
  say('Modes of the cores: those entered, in their order, then over virtual time:');
  for (const line of drawTimeline(timeline, screen.columns || COLUMNS, paint)) say(line);
}

/** Prints a line each for what a guest did that it should not rely on, where it did. */
function sayOddities({ unpredictable = [], byChance = [], unmodelled = [] }: MachineReport): void {
  const [first] = unpredictable;
  if (first) {
    const where = `core ${first.core} at 0x${digits(first.address)}: ${first.disassembly}`;
    const others = unpredictable.length - 1;
    say(`UNPREDICTABLE: ${where}${others > 0 ? `, and ${others} more; --json names them` : ''}`);
  }
  for (const sentence of byChance) say(`by chance: ${sentence}`);
  if (unmodelled.length > 0) {
    const others = unmodelled.length - 1;
    say(`not modelled: ${unmodelled[0]!}${others > 0 ? `, and ${others} more; --json names them` : ''}`);
  }
}

/**
 * Prints what was seen: shortly, as the verdict comes behind it.
 * @param where whether to say where the cores are
 */
export function sayMachine(machine: MachineReport, where: boolean): void {
  say();
  if (where || machine.crash) {
    sayCores(machine);
    say();
  }
  sayTimeline(machine);
  sayOddities(machine);
}
