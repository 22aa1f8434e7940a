/** Boot folders as nobody wants them, drawn by a seed: what fuzzers give to commands. */
import { BIG_TREE, bootPartition, FIRMWARE, guestFiles, kernelFile, TREE, type Files } from './boot-files.js';
import { compileTree } from './device-trees.js';
import { concat, u32 } from './kernel-files.js';

const compile = (source: string): Uint8Array => compileTree(source, '-@');

/** A tree with labels, aliases, parameters, and phandles that go round in a circle. */
const LABELLED = compile(`/dts-v1/;
/ {
  #address-cells = <1>; #size-cells = <1>;
  aliases { i2c1 = &i2c1; };
  chosen { bootargs = "quiet"; };
  memory@0 { device_type = "memory"; reg = <0 0>; };
  soc: soc { interrupt-parent = <&intc>; intc: intc { interrupt-parent = <&i2c1>; };
    i2c1: i2c { interrupt-parent = <&soc>; status = "disabled"; }; };
  __overrides__ { i2c1 = <&i2c1>, "status"; rate = <&i2c1>, "clock-frequency:0"; round = <&soc>, "a.65535"; };
};`);

/** Overlays: a sound one, two fragments that go into each other, one into itself, and targets that are nowhere. */
const OVERLAYS = [
  '/ { fragment@0 { target = <&i2c1>; __overlay__ { status = "okay"; node { a = <1>; }; }; }; };',
  `/ { fragment@0 { target = <&two>; __overlay__ { one: one { x = <&two>; }; }; };
       fragment@1 { target = <&one>; __overlay__ { two: two { y = <&one>; }; }; }; };`,
  '/ { fragment@0 { target = <&me>; __overlay__ { me: me { me = <&me>; }; }; }; };',
  '/ { fragment@0 { target = <&nowhere>; __overlay__ { }; }; fragment@1 { target-path = "/soc/../.."; __overlay__ { }; }; };',
  `/ { frag: fragment@0 { target = <&soc>; __dormant__ { deep { deeper { deepest { }; }; }; }; };
       __overrides__ { on = <0>, "=0"; off = <0>, "!0-7+99999"; wild = <&frag>, "target:4"; label = <&frag>, "name"; }; };`,
].map((body) => compile(`/dts-v1/; /plugin/; ${body}`));

/** A number below another one. */
export type Random = (below: number) => number;
export const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

const NUMBERS = [
  '0',
  '1',
  '-1',
  '16',
  '64',
  '1000',
  '1024',
  '4294967295',
  '99999999999999999999',
  '0x',
  '0x8000',
];
const ADDRESSES = ['0', '0x100', '0x8000', '0x3fffffff', '0xffffffff', '0x08000000', '-4096', '0xC0000000'];
const NAMES = [
  'kernel7.img',
  'start.elf',
  'tree.dtb',
  '../kernel7.img',
  '/',
  '',
  'overlays',
  'config.txt',
  '\u0000',
];
const PARAMETERS = ['i2c1=on', 'rate=-1', 'round=1', 'on=1', 'off=0', 'wild=1', 'label=x', 'none', '=', ''];

/** A line of config.txt that someone may have written. */
function line(random: Random): string {
  const memory = ['gpu_mem', 'gpu_mem_1024', 'total_mem', 'device_tree_end', 'arm_64bit', 'start_x'];
  const places = ['device_tree_address', 'kernel_address', 'ramfsaddr'];
  const files = [
    'kernel',
    'device_tree',
    'initramfs',
    'armstub',
    'start_file',
    'cmdline',
    'os_prefix',
    'ramfsfile',
  ];
  switch (random(10)) {
    case 0:
      return `${pick(random, memory)}=${pick(random, NUMBERS)}`;
    case 1:
      return `${pick(random, places)}=${pick(random, ADDRESSES)}`;
    case 2:
      return `${pick(random, files)}=${pick(random, NAMES)}`;
    case 3:
      return `dtoverlay=o${random(OVERLAYS.length + 1)},${pick(random, PARAMETERS)}`;
    case 4:
      return `dtparam=${pick(random, PARAMETERS)},${pick(random, PARAMETERS)}`;
    case 5:
      return `kernel_old=${pick(random, NUMBERS)}`;
    case 6:
      return pick(random, [
        '[pi2]',
        '[all]',
        '[none]',
        '[0xffffffffffffffffff]',
        '[gpio999=1]',
        '[',
        '[EDID=]',
      ]);
    case 7:
      return `initramfs ${pick(random, NAMES)} ${pick(random, ['followkernel', ...ADDRESSES])}`;
    case 8:
      return pick(random, ['include config.txt', 'include other.txt', 'device_tree=', 'auto_initramfs=1']);
    default:
      return String.fromCharCode(...Array.from({ length: random(200) }, () => random(0x250)));
  }
}

/** Damages bytes: cut short, words overwritten with what hurts, a piece repeated, or left as they are. */
export function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  switch (random(5)) {
    case 0:
      return copy.subarray(0, random(copy.length + 1));
    case 1:
      for (let n = random(8) + 1; n > 0 && copy.length >= 4; n--) {
        const word = pick(random, [0, 1, 2, 9, 0xffff_ffff, 0x7fff_ffff, 0x0100_0000, random(0x1_0000_0000)]);
        // The words of trees stand the other way round.
        copy.set(random(2) ? u32(word) : u32(word).reverse(), 4 * random(copy.length >>> 2));
      }
      return copy;
    case 2: {
      const from = random(copy.length + 1);
      return concat(copy, copy.subarray(from), copy.subarray(0, from));
    }
    case 3:
      for (let n = random(64); n > 0 && copy.length > 0; n--) copy[random(copy.length)] = random(256);
      return copy;
    default:
      return copy;
  }
}

/** A boot folder: sound files, damaged ones, missing ones, and a config.txt of such lines. */
export function randomBootFolder(random: Random): Files {
  const lines = Array.from({ length: random(12) }, () => line(random));
  const all = bootPartition(pick(random, Object.keys(FIRMWARE) as (keyof typeof FIRMWARE)[]), {
    'config.txt': lines.join(pick(random, ['\n', '\r\n', '\n\n'])),
    'other.txt': 'include config.txt\ninclude other.txt\n',
    'bcm2709-rpi-2-b.dtb': pick(random, [TREE, BIG_TREE, LABELLED, LABELLED]),
    'tree.dtb': LABELLED,
    'kernel7.img': kernelFile(random(256)),
    initramfs: new Uint8Array(random(5000)),
    ...(random(3) === 0 && guestFiles('web', 'db')),
    ...Object.fromEntries(OVERLAYS.map((data, i) => [`overlays/o${i}.dtbo`, data])),
  });
  // Often only one thing is wrong: what is wrong first hides the rest.
  const odds = pick(random, [1, 3, 20, 1000]);
  const result: Files = {};
  for (const [path, data] of Object.entries(all)) {
    if (path !== 'config.txt' && random(odds) === 0) {
      if (random(4) > 0) result[path] = damage(random, data);
    } else result[path] = data;
  }
  return result;
}
