/** The guests of a card, as a JSON file on its boot partition keeps them. */
import * as z from 'zod';
import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';
import { CORES } from '../board/bcm2836.js';
import { VCPUS, VMS } from '../hypervisor/layout.js';

/** Where the guests are kept, from the boot partition's root. */
export const GUESTS_FILE = 'hypberry-guests.json';

/** At most so many guests: the host is a machine, too. */
export const MOST_GUESTS = VMS - 1;
/** All guests together have at most so many virtual CPUs: the host's cores count, too. */
export const MOST_CORES_TOGETHER = VCPUS - CORES;
/** One core at least stays with the host. */
const MOST_CORES = CORES - 1;
/** MiB: below it no kernel of today starts, and above it the Pi 2 has no memory. */
const LEAST_MEMORY = 16;
const MOST_MEMORY = 896;
/** Memory is given in steps of what a second stage maps at once, MiB. */
const MEMORY_STEP = 2;
/** What Linux takes on 32-bit Arm (COMMAND_LINE_SIZE). */
const LONGEST_COMMAND_LINE = 1023;

/** Two names are taken: those of the host's console and of the hypervisor's own. */
const GUEST_NAME = /^(?!(?:host|hypberry)$)[a-z0-9][a-z0-9-]{0,14}$/;

const file = z.string().min(1).max(255);

const guest = z
  .strictObject({
    name: z
      .string()
      .regex(GUEST_NAME)
      .describe(
        '1 to 15 of a to z, 0 to 9 and "-", not "-" first; not "host" or "hypberry"; no two guests have the same.',
      ),
    kernel: file.describe(
      "The kernel: a 32-bit zImage or another flat image. A path from the partition's root.",
    ),
    initramfs: file.optional().describe("The initramfs, if there is one. A path from the partition's root."),
    memory: z
      .int()
      .min(LEAST_MEMORY)
      .max(MOST_MEMORY)
      .multipleOf(MEMORY_STEP)
      .describe('Memory in MiB, a multiple of 2.'),
    cores: z.int().min(1).max(MOST_CORES).describe('Virtual CPUs, each of which runs on a core of its own.'),
    commandLine: z
      .string()
      .max(LONGEST_COMMAND_LINE)
      .regex(/^[\x20-\x7e]*$/)
      .describe('What the kernel gets as its command line.'),
  })
  .meta({ title: 'guest' });

const guestsFile = z
  .strictObject({
    $schema: z.string().optional().describe('For editors: where this schema is.'),
    version: z.literal(1),
    guests: z.array(guest).max(MOST_GUESTS),
  })
  .meta({
    title: 'The guests of a card made by hypberry',
    description: `${GUESTS_FILE} on the boot partition`,
  });

/** One guest. */
export type Guest = z.infer<typeof guest>;

/** The schema of the guests' file, as JSON Schema 2020-12: schema/guests.json in the package. */
export function guestsSchema(): unknown {
  return z.toJSONSchema(guestsFile);
}

function damaged(what: string, options?: ErrorOptions): HypberryError {
  return new HypberryError(
    'guest.file-damaged',
    `${GUESTS_FILE} is not what hypberry wrote: ${what}.`,
    'Correct it by hand (schema/guests.json in the hypberry package says what it may hold), or remove it and add the guests again.',
    options,
  );
}

/** Where in the file something is, as JavaScript would say it. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}${text && '.'}${String(part)}`),
    '',
  );
}

/**
 * The guests in a file's text.
 * @throws HypberryError `guest.file-damaged`
 */
export function parseGuests(text: string): Guest[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged('it is not JSON', { cause: error });
  }
  const { data, error } = guestsFile.safeParse(value);
  if (error) {
    const [{ path, message }] = error.issues as [z.core.$ZodIssue];
    throw damaged(`${placeOf(path) || 'the whole'}: ${message}`);
  }
  const names = data.guests.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw damaged(`two guests are named ${twice}`);
  return data.guests;
}

/** The file's bytes for some guests. */
export function writeGuests(guests: readonly Guest[]): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ version: 1, guests }, undefined, 2)}\n`);
}

/**
 * The guests of a card; none where there is no file.
 * @throws HypberryError `guest.file-damaged`, and what the card throws
 */
export async function readGuests(card: CardReader): Promise<Guest[]> {
  if (!(await card.stat(GUESTS_FILE))) return [];
  const bytes = await card.read(GUESTS_FILE);
  try {
    return parseGuests(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof TypeError) throw damaged('it is not UTF-8', { cause: error });
    throw error;
  }
}

/**
 * A guest with everything as the file wants it.
 * @throws HypberryError `guest.name`, `guest.memory`, `guest.cores`, `guest.command-line`
 */
export function checkGuest(wanted: Guest): Guest {
  const { error } = guest.safeParse(wanted);
  switch (error?.issues[0]?.path[0]) {
    case undefined:
      return wanted;
    case 'name':
      throw new HypberryError(
        'guest.name',
        `"${wanted.name}" cannot be a guest's name.`,
        'Use 1 to 15 of the letters a to z, digits and dashes, with no dash first; host and hypberry are taken.',
      );
    case 'memory':
      throw new HypberryError(
        'guest.memory',
        `A guest cannot have ${wanted.memory} MiB of memory.`,
        `Give it an even number of MiB from ${LEAST_MEMORY} to ${MOST_MEMORY}.`,
      );
    case 'cores':
      throw new HypberryError(
        'guest.cores',
        `A guest cannot have ${wanted.cores} cores: the Pi 2 has ${CORES}, and one stays with the host.`,
        `Give it 1 to ${MOST_CORES}.`,
      );
    default:
      throw new HypberryError(
        'guest.command-line',
        'This cannot be a command line.',
        `Use at most ${LONGEST_COMMAND_LINE} printable ASCII characters.`,
      );
  }
}
