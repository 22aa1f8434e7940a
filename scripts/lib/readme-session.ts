import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache.js';
import { bootFiles, makeCardImage } from './card-image.js';
import type { Inputs } from './inputs.js';
import { run } from './run.js';

const program = fileURLToPath(new URL('../../bin/hypberry.js', import.meta.url));

/** Columns of the README. */
const WIDTH = 118;

/** A command of the example, and which of the lines that it prints are shown: "..." stands for those between. */
interface Step {
  readonly command: readonly string[];
  readonly shows: readonly RegExp[];
}

const STEPS: readonly Step[] = [
  { command: ['inspect'], shows: [/^Firmware$/, /^ {2}start\.elf/, /^ {2}knows/, /^This card starts/] },
  { command: ['install', '--method', 'kernel_old'], shows: [/./] },
  {
    command: ['try', '--as-is'],
    shows: [
      /^The card as it is now/,
      /^ {2}at 0x/,
      /Booting Linux|smp: Brought up|CPU: All CPU/,
      /^$/,
      /^Modes of the cores/,
      /^core [01] /,
      /^S svc secure/,
      /^Handover to the kernel/,
      /^ {2}ok +(?:mode|cores) /,
      /^HYP:|^Handover: /,
    ],
  },
];

/** Lines that are shown, in their order, "..." where others stand between; no two empty lines follow each other. */
function pick(output: string, shows: readonly RegExp[]): string[] {
  const picked: string[] = [];
  let left = false;
  for (const line of output.trimEnd().split('\n')) {
    if (!shows.some((it) => it.test(line))) {
      left = true;
      continue;
    }
    if (line === '' && (left || picked.at(-1) === '')) continue;
    if (left) picked.push('...');
    left = false;
    picked.push(line.slice(0, WIDTH).trimEnd());
  }
  return picked;
}

/**
 * Takes a card image made of Debian's kernel and today's firmware through inspect, install and try, as they are built.
 * @returns a code block in Markdown: the commands, and what each printed, shortened
 */
export async function exampleSession(found: Inputs): Promise<string> {
  const folder = join(cacheFolder, 'readme');
  await mkdir(folder, { recursive: true });
  const image = join(folder, 'card.img');
  await makeCardImage(image, await bootFiles(found.bookworm, found.firmware));
  const parts: string[] = [];
  for (const { command, shows } of STEPS) {
    const stdout = await run(process.execPath, [program, ...command, image]);
    parts.push([`$ hypberry ${command.join(' ')} card.img`, ...pick(stdout, shows)].join('\n'));
  }
  return ['```', parts.join('\n\n'), '```'].join('\n');
}

/** The same text for each run of the same commands: seconds that a computer took are left out. */
export const withoutSeconds = (text: string): string => text.replace(/ *\d+\.\d s\b/g, ' … s');
