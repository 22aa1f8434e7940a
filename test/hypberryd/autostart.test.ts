/** Which guests start with the system: what `hypberryd autostart` keeps, and what the service makes of it. */
import { expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import { channelImage, memoryOf, type ChannelImage } from './channel-image.js';
import { createMachine, runInNode, type Ended, type Machine } from './kernel.js';
import { playGuests, type GuestStates, type Order } from './played-guests.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const SIGTERM = 15;
const FILE = '/etc/hypberryd.autostart';
const OBEYED = '/run/hypberryd.autostart';
/** Guest web has a disk, and db and web-2 have none; the card has web-2 not start. */
const [WEB, DB, WEB_2] = [1, 2, 3];
interface Pi extends Machine {
  readonly image: ChannelImage;
}

function machineWith(files: Readonly<Record<string, string>> = {}): Pi {
  const image = channelImage([{ kind: C.KIND_DISK, guest: WEB, path: '/srv/web.img' }], {
    guests: [{ name: 'web' }, { name: 'db' }, { name: 'web-2' }],
  });
  const record = C.GUEST_RECORDS + (WEB_2 - 1) * C.GUEST_RECORD_SIZE;
  image.view.setUint32(record + C.GUEST_FLAGS, C.FLAG_NO_AUTOSTART, true);
  const all = { '/run/': '', '/etc/': '', ...image.tree, ...files };
  return { image, ...createMachine(all, CHANNEL_DEVICES(image)) };
}

function textAt(machine: Machine, path: string): string | undefined {
  const { node } = machine.tree.placeOf(path);
  if (node?.kind !== 'file') return undefined;
  const bytes = new Uint8Array(node.content.size);
  node.content.read(0, bytes);
  return textOf(bytes);
}

/** Runs a command; the service is told to end when it has nothing more to do. */
function run(
  machine: Pi,
  args: readonly string[],
  states: GuestStates = {},
): { ended: Ended; orders: readonly Order[] } {
  const { image } = machine;
  const played = playGuests(
    memoryOf(image),
    memoryOf({ ...image, bytes: image.doorbell, view: new DataView(image.doorbell.buffer) }),
    states,
  );
  const isService = args[0] === 'run';
  let [last, over] = [0, 0];
  const ended = runInNode(wasm, {
    ...{ args: ['hypberryd', ...args], end: L.END, machine },
    world: {
      fork: (n) => (last = 60 + n),
      before: (call) => {
        played.act();
        return call === 'wait4' && isService && over > 1 ? -ERRORS.ECHILD : undefined;
      },
      ...(isService && { idle: (process) => (process.signal(SIGTERM), true) }),
      // That of the counter, then the disk's.
      ended: () => (over++, { process: last, status: 0 }),
    },
  });
  played.act();
  return { ended, orders: played.orders };
}

const saidBy = ({ ended }: { ended: Ended }): unknown[] => [
  ended.status,
  textOf(ended.stdout),
  textOf(ended.stderr),
];

test('keeps a line for each guest that was asked about, the last word of each', () => {
  const machine = machineWith();
  expect(saidBy(run(machine, ['autostart', 'web-2']))).toEqual([0, 'web-2: starts with the Pi\n', '']);
  expect(textAt(machine, FILE)).toBe('web-2 yes\n');
  expect(machine.tree.placeOf(FILE).node?.mode).toBe(0o644);
  expect(saidBy(run(machine, ['autostart', 'web', '--disable']))).toEqual([
    ...[0, 'web: does not start with the Pi\n', ''],
  ]);
  expect(textAt(machine, FILE)).toBe('web-2 yes\nweb no\n');
  run(machine, ['autostart', '--disable', 'web-2']);
  expect(textAt(machine, FILE)).toBe('web no\nweb-2 no\n');
  run(machine, ['autostart', 'web', 'db', 'web-2']);
  expect(textAt(machine, FILE)).toBe('web yes\ndb yes\nweb-2 yes\n');
  expect(textAt(machine, `${FILE}.new`)).toBeUndefined();
});

test('refuses to keep a guest without disks from what it has done already', () => {
  const machine = machineWith({ [FILE]: 'web no\n' });
  const { ended } = run(machine, ['autostart', '--disable', 'web', 'db']);
  expect(ended.status).toBe(2);
  expect(textOf(ended.stderr)).toContain(
    'db has no disk, so it begins before this system does. (autostart.before)',
  );
  expect(textAt(machine, FILE)).toBe('web no\n');
  // The card keeps this one from it.
  expect(run(machine, ['autostart', '--disable', 'web-2']).ended.status).toBe(0);
});

test('info and JSON say it', () => {
  const files = { [FILE]: 'web no\n' };
  for (const [guest, word] of [
    ['web', 'no'],
    ['db', 'yes'],
    ['web-2', 'no'],
  ]) {
    const out = textOf(run(machineWith(files), ['info', guest!]).ended.stdout);
    expect(/^Autostart: +(\w+)$/m.exec(out)?.[1]).toBe(word);
    const json = textOf(run(machineWith(files), ['info', guest!, '--json']).ended.stdout);
    expect((JSON.parse(json) as { autostart: boolean }).autostart).toBe(word === 'yes');
  }
});

const began = (): GuestStates => ({
  [WEB]: { does: C.DOES_WAIT },
  [DB]: { does: C.DOES_RUN },
  [WEB_2]: { does: C.DOES_OFF },
});

test('the service goes by it, once after a start of the system', () => {
  const machine = machineWith({ [FILE]: 'web no\ndb no\nweb-2 yes\n' });
  expect(run(machine, ['run'], began()).orders).toEqual([
    [C.ORDER_OFF, WEB, 0],
    [C.ORDER_START, WEB_2, 0],
  ]);
  expect(textAt(machine, OBEYED)).toBe('');
  expect(run(machine, ['run'], began()).orders).toEqual([]);
});

test('without the file, or a word in it, the card has the say', () => {
  for (const files of [{}, { [FILE]: 'nobody no\nwe no\nweb-22 yes\nw\n' }]) {
    const machine = machineWith(files);
    expect(run(machine, ['run'], began()).orders).toEqual([]);
    expect(textAt(machine, OBEYED)).toBe('');
  }
});

test('one that its user has switched off before the service came stays off', () => {
  const states = { ...began(), [DB]: { does: C.DOES_OFF } };
  expect(run(machineWith({ [FILE]: 'db yes\nweb-2 no\n' }), ['run'], states).orders).toEqual([]);
});

test('on LibreELEC it is where that keeps settings; uninstall takes it away', () => {
  const file = '/storage/.config/hypberryd.autostart';
  const machine = machineWith({ '/storage/.config/': '', '/proc/self/exe': 'program' });
  run(machine, ['autostart', 'web-2']);
  expect([textAt(machine, file), textAt(machine, FILE)]).toEqual(['web-2 yes\n', undefined]);
  run(machine, ['install']);
  expect(run(machine, ['uninstall']).ended.status).toBe(0);
  expect(textAt(machine, file)).toBeUndefined();
});
