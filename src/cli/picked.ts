/** What is about to start in a machine, for people. */
import { hex } from '../base/words.js';
import type { Picked } from '../firmware/handover.js';
import type { Plan } from '../setup/plan.js';
import { say } from './output.js';

/** What of the card is started: as it is, or as it would be after a plan. */
export function whatStarts(plan: Plan | undefined): string {
  if (!plan) return 'The card as it is now:';
  return plan.changes.length === 0
    ? `${plan.summary} It is booted as it is:`
    : `After install: ${plan.summary}`;
}

/**
 * Prints what the firmware picked.
 * @param added what was added to the kernel's command line, to see it on this console
 */
export function sayPicked(picked: Picked, added: string): void {
  const { kernel, tree, initramfs, stub } = picked;
  const at0 = {
    kernel: 'the kernel file itself (kernel_old=1)',
    file: `the stub ${stub.from === 'file' ? stub.file : ''}`,
    'start.elf': `the stub built into ${stub.from === 'start.elf' ? stub.file : ''}`,
    none: 'a plain stub, for want of a start.elf',
  }[stub.from];
  say(`  at 0x00000000  ${at0}`);
  if (kernel.address !== 0) say(`  at ${hex(kernel.address, 8)}  kernel ${kernel.file}`);
  if (tree) say(`  at ${hex(tree.address, 8)}  device tree ${tree.file}`);
  if (initramfs) say(`  at ${hex(initramfs.address, 8)}  initramfs ${initramfs.file}`);
  if (added !== '') say(`  added to the kernel's command line, to see it start: ${added}`);
  for (const note of new Set(picked.notes)) say(`  note: ${note}`);
  say();
}
