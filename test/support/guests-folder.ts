import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assembler } from '../../src/isa/assembler.js';
import { temporary } from '../card/images.js';
import { print, smallGuest } from '../hypervisor/payloads.js';
import { bootPartition, HOST_TREE } from './boot-files.js';

/** A boot folder with guests, as "guest add" leaves it: kernels by the guests' names. */
export function guestsFolder(host: Uint8Array, kernels: Readonly<Record<string, Uint8Array>>): string {
  const folder = temporary('boot');
  mkdirSync(folder);
  const guests = Object.keys(kernels).map((name) => ({
    name,
    kernel: `hypberry-guest-${name}.kernel`,
    memory: 16,
    cores: 1,
    commandLine: '',
  }));
  const files = bootPartition('svc', {
    'bcm2709-rpi-2-b.dtb': HOST_TREE,
    'kernel7.img': host,
    'hypberry-guests.json': JSON.stringify({ version: 1, guests }),
    ...Object.fromEntries(guests.map(({ name, kernel }) => [kernel, kernels[name]!])),
  });
  for (const [path, data] of Object.entries(files)) writeFileSync(join(folder, path), data);
  return folder;
}

/** A guest's kernel that prints a text, may do more, and sleeps. */
export const says = (text: string, then: (a: Assembler) => void = () => undefined): Uint8Array =>
  smallGuest((a) => {
    print(a, text);
    then(a);
    const end = a.label('end');
    a.at(end);
    a.wfi();
    a.b(end);
  });
