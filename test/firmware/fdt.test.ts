import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { HypberryError } from '../../src/base/errors.js';
import {
  emptyFdt,
  ensureNode,
  fdtCells,
  fdtFromCells,
  fdtFromText,
  fdtText,
  findNode,
  readFdt,
  writeFdt,
  type Fdt,
  type FdtNode,
} from '../../src/firmware/fdt.js';
import { sortedSource } from '../support/device-trees.js';

// Every check is against the device tree compiler's own tools: dtc, fdtput, fdtget.
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hypberry-fdt-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function dtc(input: 'dts' | 'dtb', output: 'dts' | 'dtb', content: string | Uint8Array): Uint8Array {
  const file = join(folder, 'in');
  writeFileSync(file, content);
  return new Uint8Array(
    execFileSync('dtc', ['-q', '-q', '-I', input, '-O', output, file], { maxBuffer: 1 << 26 }),
  );
}

const sourceOf = (dtb: Uint8Array): string => new TextDecoder().decode(dtc('dtb', 'dts', dtb));
const compile = (source: string): Uint8Array => dtc('dts', 'dtb', source);

function tool(
  name: 'fdtput' | 'fdtget',
  dtb: Uint8Array,
  args: (file: string) => string[],
): [string, Uint8Array] {
  const file = join(folder, 'tool.dtb');
  writeFileSync(file, dtb);
  const output = execFileSync(name, args(file), { encoding: 'utf8' });
  return [output, new Uint8Array(readFileSync(file))];
}

/** A tree written by hand, with what there is to get wrong: empty values, odd lengths, reserved memory, aliases. */
const SOURCE = `/dts-v1/;
/memreserve/ 0x0 0x1000;
/memreserve/ 0x100000000 0x2000;
/ {
  #address-cells = <1>;
  #size-cells = <1>;
  compatible = "brcm,bcm2836", "brcm,bcm2835";
  aliases { ethernet0 = "/soc/usb@7e980000/ethernet@1"; broken = "no path"; };
  chosen { bootargs = ""; };
  memory@0 { device_type = "memory"; reg = <0 0>; };
  soc {
    ranges;
    bytes = [01 02 03];
    usb@7e980000 { reg = <0x7e980000 0x10000>; ethernet@1 { reg = <1>; }; };
    gpio: gpio@7e200000 { #gpio-cells = <2>; };
  };
};`;

describe('reading', () => {
  test('gives what dtc compiled', () => {
    const fdt = readFdt(compile(SOURCE));
    expect(fdt.reservations).toEqual([
      { address: 0n, size: 0x1000n },
      { address: 0x1_0000_0000n, size: 0x2000n },
    ]);
    expect(fdt.root.children.map(({ name }) => name)).toEqual(['aliases', 'chosen', 'memory@0', 'soc']);
    expect(fdtText(fdt.root.properties.get('compatible')!)).toBe('brcm,bcm2836');
    const soc = findNode(fdt, '/soc')!;
    expect(soc.properties.get('ranges')).toEqual(new Uint8Array(0));
    expect(soc.properties.get('bytes')).toEqual(Uint8Array.of(1, 2, 3));
    expect(fdtCells(findNode(fdt, '/soc/usb@7e980000')!.properties.get('reg')!)).toEqual([
      0x7e98_0000, 0x1_0000,
    ]);
  });

  test('finds nodes by path, without unit address, and by alias', () => {
    const fdt = readFdt(compile(SOURCE));
    const ethernet = findNode(fdt, '/soc/usb@7e980000/ethernet@1');
    expect(ethernet?.name).toBe('ethernet@1');
    expect(findNode(fdt, '/soc/usb/ethernet')).toBe(ethernet);
    expect(findNode(fdt, 'ethernet0')).toBe(ethernet);
    expect(findNode(fdt, '/')).toBe(fdt.root);
    for (const path of ['/soc/usb@1', '/nothing', 'nothing', 'broken', '/soc/usb/ethernet/more']) {
      expect(findNode(fdt, path)).toBeUndefined();
    }
  });
});

/** Trees of any shape, names as the specification allows them, no name twice in a node. */
const nameOf = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,9}$/);
const treeOf = (depth: number): fc.Arbitrary<FdtNode> =>
  fc.record({
    name: fc.constant(''),
    properties: fc
      .uniqueArray(fc.tuple(nameOf, fc.uint8Array({ maxLength: 12 })), {
        maxLength: 4,
        selector: ([name]) => name,
      })
      .map((entries) => new Map(entries)),
    children:
      depth === 0
        ? fc.constant([])
        : fc
            .uniqueArray(fc.tuple(nameOf, treeOf(depth - 1)), { maxLength: 3, selector: ([name]) => name })
            .map((entries) => entries.map(([name, node]) => ({ ...node, name }))),
  });

/** The same as source, every value as a byte string. */
function toSource(node: FdtNode): string {
  const bytes = (value: Uint8Array): string =>
    [...value].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return [
    '{',
    ...[...node.properties].map(([name, value]) =>
      value.length ? `${name} = [${bytes(value)}];` : `${name};`,
    ),
    ...node.children.map((child) => `${child.name} ${toSource(child)};`),
    '}',
  ].join('\n');
}

describe('writing', () => {
  test('what dtc compiled comes back as the same tree', () => {
    const dtb = compile(SOURCE);
    expect(sourceOf(writeFdt(readFdt(dtb)))).toBe(sourceOf(dtb));
  });

  test('any tree is to dtc what it is to us, both ways', () => {
    const memory = fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    );
    fc.assert(
      fc.property(treeOf(4), fc.array(memory, { maxLength: 3 }), (root, reserved) => {
        const fdt: Fdt = {
          root,
          reservations: reserved.map(([address, size]) => ({ address, size })),
          bootCpu: 0,
        };
        const source = [
          '/dts-v1/;',
          ...reserved.map(
            ([address, size]) => `/memreserve/ 0x${address.toString(16)} 0x${size.toString(16)};`,
          ),
          `/ ${toSource(root)};`,
        ].join('\n');
        const compiled = compile(source);
        expect(sourceOf(writeFdt(fdt))).toBe(sourceOf(compiled));
        expect(readFdt(compiled)).toEqual(fdt);
      }),
      { numRuns: 25 },
    );
  });

  test('of an empty tree is one that dtc takes', () => {
    expect(sourceOf(writeFdt(emptyFdt()))).toBe(sourceOf(compile('/dts-v1/; / { };')));
  });

  test("Debian's trees come back the same", { timeout: 300_000 }, async () => {
    const { bookworm, trixie } = await inputs();
    for (const { dtb } of [bookworm, trixie]) {
      const bytes = await readFile(dtb);
      expect(sourceOf(writeFdt(readFdt(bytes)))).toBe(sourceOf(bytes));
    }
  });
});

describe('edits', () => {
  const edit = (change: (fdt: Fdt) => void): Uint8Array => {
    const fdt = readFdt(compile(SOURCE));
    change(fdt);
    return writeFdt(fdt);
  };
  const get = (dtb: Uint8Array, ...args: string[]): string =>
    tool('fdtget', dtb, (file) => [...args.slice(0, -2), file, ...args.slice(-2)])[0].trim();

  test('are seen by fdtget', () => {
    const dtb = edit((fdt) => {
      ensureNode(fdt, '/chosen').properties.set(
        'bootargs',
        fdtFromText('console=ttyAMA0 much longer than before'),
      );
      ensureNode(fdt, '/system/deep/er').properties.set('linux,revision', fdtFromCells(0xa0_1041, 1));
      findNode(fdt, '/memory')!.properties.set('reg', fdtFromCells(0, 0x3c00_0000));
      findNode(fdt, '/soc')!.properties.delete('bytes');
    });
    expect(get(dtb, '/chosen', 'bootargs')).toBe('console=ttyAMA0 much longer than before');
    expect(get(dtb, '-t', 'x', '/system/deep/er', 'linux,revision')).toBe('a01041 1');
    expect(get(dtb, '-t', 'x', '/memory@0', 'reg')).toBe('0 3c000000');
    expect(get(dtb, '-l', '/soc').split('\n').sort()).toEqual(['gpio@7e200000', 'usb@7e980000']);
    expect(get(dtb, '-p', '/soc')).toBe('ranges');
  });

  test('make the tree that fdtput makes of it', () => {
    const ours = edit((fdt) => {
      ensureNode(fdt, '/chosen').properties.set('bootargs', fdtFromText('quiet'));
      ensureNode(fdt, '/chosen').properties.set('linux,initrd-start', fdtFromCells(0x2ee0_0000));
    });
    let theirs = compile(SOURCE);
    [, theirs] = tool('fdtput', theirs, (file) => ['-t', 's', file, '/chosen', 'bootargs', 'quiet']);
    [, theirs] = tool('fdtput', theirs, (file) => [
      '-t',
      'x',
      file,
      '/chosen',
      'linux,initrd-start',
      '2ee00000',
    ]);
    expect(sortedSource(ours)).toBe(sortedSource(theirs));
  });
});

describe('a damaged tree', () => {
  const whole = (): Uint8Array => compile(SOURCE);
  const withWord = (offset: number, value: number): Uint8Array => {
    const dtb = whole();
    new DataView(dtb.buffer, dtb.byteOffset).setUint32(offset, value);
    return dtb;
  };
  const structure = (): number => new DataView(whole().buffer).getUint32(8);

  test.each<[string, string, () => Uint8Array]>([
    ['with other bytes at its start', 'tree.magic', () => withWord(0, 0xd00d_feee)],
    ['of three bytes', 'tree.magic', () => whole().subarray(0, 3)],
    ['that ends in its header', 'tree.truncated', () => whole().subarray(0, 20)],
    ['cut in the middle', 'tree.truncated', () => whole().subarray(0, 300)],
    ['of a later version', 'tree.version', () => withWord(0x18, 18)],
    ['of an old version', 'tree.version', () => withWord(0x14, 3)],
    ['with its structure outside', 'tree.bounds', () => withWord(0x08, 0xffff_fff0)],
    ['with strings outside', 'tree.bounds', () => withWord(0x20, 0x10_0000)],
    ['with a reserve map outside', 'tree.bounds', () => withWord(0x10, 0xfff8)],
    ['of no size', 'tree.bounds', () => withWord(0x04, 1)],
    ['with an unknown token', 'tree.structure', () => withWord(structure(), 7)],
    ['that ends at once', 'tree.structure', () => withWord(structure(), 9)],
    ['that closes what is not open', 'tree.structure', () => withWord(structure(), 2)],
    ['with a property before its root', 'tree.structure', () => withWord(structure(), 3)],
    ['with a property without end', 'tree.structure', () => withWord(structure() + 12, 0xffff_ffff)],
    ['with a name outside the strings', 'tree.strings', () => withWord(structure() + 16, 0xffff)],
  ])('%s is refused', (_, code, make) => {
    expect(() => readFdt(make())).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('of any kind is read or refused, nothing else', () => {
    const dtb = whole();
    fc.assert(
      fc.property(
        fc.nat(dtb.length),
        fc.array(fc.tuple(fc.nat(dtb.length - 1), fc.nat(255)), { maxLength: 20 }),
        fc.boolean(),
        (length, changes, cut) => {
          const bytes = cut ? dtb.slice(0, length) : dtb.slice();
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
          try {
            readFdt(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(HypberryError);
            expect((error as HypberryError).code).toMatch(/^tree\./);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('that is nested without end is refused', () => {
    const fdt = emptyFdt();
    ensureNode(fdt, '/a'.repeat(100));
    expect(() => readFdt(writeFdt(fdt))).toThrow(
      expect.objectContaining({ code: 'tree.structure' }) as Error,
    );
  });
});
