import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { HypberryError } from '../../src/base/errors.js';
import { readConfig } from '../../src/firmware/config.js';
import { findNode, readFdt, writeFdt, type Fdt } from '../../src/firmware/fdt.js';
import { mergeOverlay, resolveOverlay } from '../../src/firmware/overlay.js';
import { setParameter } from '../../src/firmware/tree-parameter.js';
import { applyTreeSettings } from '../../src/firmware/tree-settings.js';
import { compileTree, withoutLabels } from '../support/device-trees.js';
import { memoryCard } from '../support/memory-card.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hypberry-overlay-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const compile = (source: string): Uint8Array => compileTree(source, '-@');

/** What libfdt's fdtoverlay makes of tree and overlay. */
function fdtoverlay(tree: Uint8Array, overlay: Uint8Array): Uint8Array {
  const [base, top, out] = ['base.dtb', 'top.dtbo', 'out.dtb'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(base, tree);
  writeFileSync(top, overlay);
  execFileSync('fdtoverlay', ['-i', base, '-o', out, top]);
  return new Uint8Array(readFileSync(out));
}

function apply(tree: Uint8Array, overlay: Uint8Array): Uint8Array {
  const [into, from] = [readFdt(tree), readFdt(overlay)];
  resolveOverlay(into, from);
  mergeOverlay(into, from);
  return writeFdt(into);
}

const BASE = `/dts-v1/;
/ {
  chosen { bootargs = "a"; };
  soc {
    gpio: gpio@7e200000 { #gpio-cells = <2>; };
    i2c1: i2c@7e804000 { status = "disabled"; #address-cells = <1>; #size-cells = <0>; };
    i2s: i2s@7e203000 { status = "disabled"; user = <&gpio>; };
  };
  __overrides__ { i2s = <&i2s>,"status"; i2c1 = <&i2c1>,"status"; i2c1_baudrate = <&i2c1>,"clock-frequency:0"; };
};`;

const OVERLAY = `/dts-v1/;
/plugin/;
/ {
  fragment@0 { target = <&i2c1>; __overlay__ {
    status = "okay";
    rtc: rtc@68 { reg = <0x68>; irq = <&gpio 4 2>; };
    user { of = <&rtc>, <&gpio>; };
  }; };
  fragment@1 { target-path = "/"; __overlay__ { clock: new-clock { rate = <1000>; }; soc { extra; }; }; };
  fragment@2 { target = <&i2s>; __dormant__ { status = "okay"; }; };
  fragment@3 { target = <&rtc>; __overlay__ { inner; }; };
  __overrides__ {
    rate = <&clock>,"rate:0";
    name8 = <&clock>,"small.1", <&clock>,"wide;2", <&clock>,"long#0";
    label = <&clock>,"label";
    yes = <&clock>,"yes?", <&clock>,"no!";
    mac = <&clock>,"mac[";
    sound = <0>,"=2";
    bare = <0>,"-0-3";
    args = <&chosen_of_mine>,"bootargs";
    odd = <&clock>,"x{a=b}";
    letter = <&clock>,"letter{a=alpha,b='bravo, boy',c,=other}";
    open = <&clock>,"open{a=alpha,}";
    bus = <&clock>,"wide-ref:0{0=",<&i2c1>,"1=",<&gpio>,"}";
    setting = <&clock>,"literal=always", <&clock>,"wide-literal:4=0x1234", <&clock>,"wide-ref:0=",<&gpio>,
              <&clock>,"mac[=b8:27:eb:01:23:45", <&clock>,"status=okay", <&clock>,"label";
    addr = <&rtc>,"reg:0";
    called = <&rtc>,"name";
  };
  fragment@4 { target-path = "/chosen"; chosen_of_mine: __overlay__ { bootargs = "b"; }; };
};`;

describe('an overlay', () => {
  const base = compile(BASE);
  test('gives the tree that fdtoverlay gives', () => {
    // Without fragment 3: libfdt does not do fragments that change fragments.
    const overlay = compile(OVERLAY.replace(/fragment@3.*\n/, ''));
    // The kernel's arguments add up, by Raspberry Pi's own dtmerge; fdtoverlay knows nothing of that.
    const tree = compile(BASE.replace('bootargs = "a";', ''));
    expect(withoutLabels(apply(tree, overlay))).toBe(withoutLabels(fdtoverlay(tree, overlay)));
  });

  test("gives the same on Debian's tree", { timeout: 300_000 }, async () => {
    const { trixie } = await inputs();
    const tree = await readFile(trixie.dtb);
    const overlay = compile(`/dts-v1/; /plugin/; / {
      fragment@0 { target = <&i2c1>; __overlay__ { status = "okay"; x: dev@50 { reg = <0x50>; g = <&gpio 1 1>, <&x>; }; }; };
      fragment@1 { target-path = "/soc"; __overlay__ { more = <&x>; }; };
    };`);
    expect(withoutLabels(apply(tree, overlay))).toBe(withoutLabels(fdtoverlay(tree, overlay)));
  });

  test('may change its own fragments first', () => {
    const result = readFdt(apply(compile(BASE), compile(OVERLAY)));
    expect(findNode(result, '/soc/i2c/rtc')?.properties.has('inner')).toBe(true);
    expect(findNode(result, '/soc/i2s')?.properties.get('status')).toEqual(
      new TextEncoder().encode('disabled\0'),
    );
  });

  test('may change a fragment that is switched off, which changes nothing', () => {
    const overlay = compile(
      OVERLAY.replace('target = <&i2c1>; __overlay__', 'target = <&i2c1>; __dormant__'),
    );
    const result = readFdt(apply(compile(BASE), overlay));
    expect(findNode(result, '/soc/i2c@7e804000')?.children).toEqual([]);
    expect(findNode(result, '/new-clock')).toBeDefined();
  });

  test('of 2015, with its references in one list of texts, is the same', () => {
    // Written out as dtc did then: phandles numbered by hand, 3 and 9 in the tree.
    const old = compile(`/dts-v1/; / {
      aliases { gpio = "/gpio"; };
      gpio { phandle = <9>; };
      other { phandle = <3>; };
    };`);
    const overlay = compile(`/dts-v1/; / {
      fragment@0 { target = <0xdeadbeef>; __overlay__ {
        dev { pins = <1 0xdeadbeef>; };
        pins { phandle = <1>; };
      }; };
      __fixups__ { gpio = "/fragment@0:target:0", "/fragment@0/__overlay__/dev:pins:4"; };
      __local_fixups__ { fixup = "/fragment@0/__overlay__/dev:pins:0"; };
    };`);
    const expected = compile(`/dts-v1/; / {
      aliases { gpio = "/gpio"; };
      gpio { phandle = <9>; dev { pins = <10 9>; }; pins { phandle = <10>; }; };
      other { phandle = <3>; };
    };`);
    expect(withoutLabels(apply(old, overlay))).toBe(withoutLabels(expected));
  });

  test('damaged is applied or refused, nothing else', () => {
    const overlay = compile(OVERLAY);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(overlay.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        (changes) => {
          const bytes = overlay.slice();
          for (const [at, byte] of changes) bytes[at] = byte;
          try {
            const [tree, damaged] = [readFdt(base), readFdt(bytes)];
            resolveOverlay(tree, damaged);
            for (const name of ['rate', 'name8', 'label', 'yes', 'sound'])
              setParameter(damaged, name, '1', tree);
            mergeOverlay(tree, damaged);
            writeFdt(tree);
          } catch (error) {
            expect(error).toBeInstanceOf(HypberryError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('for labels that are not there is refused', () => {
    const overlay = readFdt(
      compile('/dts-v1/; /plugin/; / { fragment@0 { target = <&gone>; __overlay__ { }; }; };'),
    );
    expect(() => {
      resolveOverlay(readFdt(compile(BASE)), overlay);
    }).toThrow(expect.objectContaining({ code: 'tree.overlay' }) as Error);
  });

  test('whose fragments go into each other ends', () => {
    const overlay = compile(`/dts-v1/; /plugin/; / {
      fragment@0 { target = <&b>; __overlay__ { a: one { x; }; }; };
      fragment@1 { target = <&a>; __overlay__ { b: two { y; }; }; };
    };`);
    expect(() => apply(compile(BASE), overlay)).not.toThrow();
  });
});

describe('config.txt', () => {
  const files = {
    'bcm.dtb': compile(BASE),
    'overlays/rtc.dtbo': compile(OVERLAY),
    'overlays/old-overlay.dtb': compile(OVERLAY),
    'mine/own.dtbo': compile(OVERLAY),
  };

  async function settle(
    text: string,
  ): Promise<{ fdt: Fdt; notes: string[]; get: (path: string, name: string) => string }> {
    const card = memoryCard({ ...files, 'config.txt': text });
    const notes: string[] = [];
    const fdt = readFdt(compile(BASE));
    await applyTreeSettings(card, await readConfig(card), fdt, '', notes);
    const file = join(folder, 'settled.dtb');
    writeFileSync(file, writeFdt(fdt));
    const get = (path: string, name: string): string =>
      execFileSync(
        'fdtget',
        [
          ...(/rate|small|wide|long|mac|freq|reg/.test(name) ? ['-t', 'bx'] : []),
          '-d',
          'none',
          file,
          path,
          name,
        ],
        {
          encoding: 'utf8',
        },
      ).trim();
    return { fdt, notes, get };
  }

  // Part 2.2 of the documentation, form by form.
  test.each<[string, string, string, string, string]>([
    ['a status', 'dtparam=i2s=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['a status off', 'dtparam=i2s=on\ndtparam=i2s=off', '/soc/i2s@7e203000', 'status', 'disabled'],
    ['a parameter without value', 'dtparam=i2s', '/soc/i2s@7e203000', 'status', 'okay'],
    ['two on a line', 'dtparam=i2c1=on,i2s=on', '/soc/i2c@7e804000', 'status', 'okay'],
    ["the header's bus", 'dtparam=i2c_arm=on', '/soc/i2c@7e804000', 'status', 'okay'],
    ['its rate', 'dtparam=i2c_arm_baudrate=400000', '/soc/i2c@7e804000', 'clock-frequency', '0 6 1a 80'],
    ['32 bits', 'dtoverlay=rtc,rate=0x12345678', '/new-clock', 'rate', '12 34 56 78'],
    ['on the next line', 'dtoverlay=rtc\ndtparam=rate=7', '/new-clock', 'rate', '0 0 0 7'],
    ['8 bits', 'dtoverlay=rtc,name8=5', '/new-clock', 'small', '0 5'],
    ['16 bits', 'dtoverlay=rtc,name8=258', '/new-clock', 'wide', '0 0 1 2'],
    ['64 bits', 'dtoverlay=rtc,name8=258', '/new-clock', 'long', '0 0 0 0 0 0 1 2'],
    ['text', 'dtoverlay=rtc,label=hello', '/new-clock', 'label', 'hello'],
    // What values mean, as Raspberry Pi's own dtmerge has it.
    ['a text without value', 'dtoverlay=rtc,label', '/new-clock', 'label', 'true'],
    // fdtget shows its NUL.
    ['a text without any', 'dtoverlay=rtc,label=', '/new-clock', 'label', '0'],
    ['a word for a number', 'dtoverlay=rtc,rate=up', '/new-clock', 'rate', '0 0 0 2'],
    ['an octal number', 'dtoverlay=rtc,rate=010', '/new-clock', 'rate', '0 0 0 8'],
    ['a negative number', 'dtoverlay=rtc,rate=-2', '/new-clock', 'rate', 'ff ff ff fe'],
    ['a status that is neither', 'dtparam=i2s=fail', '/soc/i2s@7e203000', 'status', 'fail'],
    ['a status by a number', 'dtparam=i2s=1', '/soc/i2s@7e203000', 'status', 'okay'],
    ['a flag by a number', 'dtoverlay=rtc,yes=0x40', '/new-clock', 'yes', ''],
    ['a fragment by a text', 'dtoverlay=rtc,sound=hello', '/soc/i2s@7e203000', 'status', 'okay'],
    ['bytes with blanks', 'dtoverlay=rtc,mac="b8 27:eb"', '/new-clock', 'mac', 'b8 27 eb'],
    ['bytes', 'dtoverlay=rtc,mac=b8:27:eb:01:02:03', '/new-clock', 'mac', 'b8 27 eb 1 2 3'],
    ['a flag', 'dtoverlay=rtc,yes=1', '/new-clock', 'yes', ''],
    ['an inverted flag', 'dtoverlay=rtc,yes=1', '/new-clock', 'no', 'none'],
    ['a flag off', 'dtoverlay=rtc,yes=0', '/new-clock', 'yes', 'none'],
    ['a fragment switched on', 'dtoverlay=rtc,sound=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['a fragment left off', 'dtoverlay=rtc,sound=off', '/soc/i2s@7e203000', 'status', 'disabled'],
    ['fragments switched off', 'dtoverlay=rtc,bare', '/soc/i2c@7e804000', 'status', 'disabled'],
    ['arguments that add up', 'dtoverlay=rtc,args=c', '/chosen', 'bootargs', 'a b c'],
    // The forms that start.elf has had since 2015, by the separators that stand in it; raspberrypi/firmware, issue 405.
    // Parts 2.2.6 to 2.2.9.
    ['a table', 'dtoverlay=rtc,letter=a', '/new-clock', 'letter', 'alpha'],
    ['quotes in it', 'dtoverlay=rtc,letter=b', '/new-clock', 'letter', 'bravo, boy'],
    ['a key that is its own value', 'dtoverlay=rtc,letter=c', '/new-clock', 'letter', 'c'],
    ['its default', 'dtoverlay=rtc,letter=zulu', '/new-clock', 'letter', 'other'],
    ['its default without a value', 'dtoverlay=rtc,letter', '/new-clock', 'letter', 'other'],
    ['a table that lets others through', 'dtoverlay=rtc,open=x', '/new-clock', 'open', 'x'],
    ['the same for one of its own', 'dtoverlay=rtc,open=a', '/new-clock', 'open', 'alpha'],
    ['a table of references', 'dtoverlay=rtc,bus=1', '/new-clock', 'wide-ref', '0 0 0 1'],
    ['a literal', 'dtoverlay=rtc,setting=x', '/new-clock', 'literal', 'always'],
    ['a literal number', 'dtoverlay=rtc,setting=x', '/new-clock', 'wide-literal', '0 0 0 0 0 0 12 34'],
    ['a literal reference', 'dtoverlay=rtc,setting=x', '/new-clock', 'wide-ref', '0 0 0 1'],
    ['literal bytes', 'dtoverlay=rtc,setting=x', '/new-clock', 'mac', 'b8 27 eb 1 23 45'],
    ['a literal status', 'dtoverlay=rtc,setting=0', '/new-clock', 'status', 'okay'],
    ['and the value itself beside literals', 'dtoverlay=rtc,setting=x', '/new-clock', 'label', 'x'],
    [
      'an address, which is in the name too',
      'dtoverlay=rtc,addr=0x51',
      '/soc/i2c@7e804000/rtc@51',
      'reg',
      '0 0 0 51',
    ],
    ['a name', 'dtoverlay=rtc,called=clock2', '/soc/i2c@7e804000/clock2', 'reg', '0 0 0 68'],
    ['a colon behind the name', 'dtoverlay=rtc:rate=7,label=a', '/new-clock', 'rate', '0 0 0 7'],
    ['blanks between parameters', 'dtparam=i2c1=on \t i2s=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['dtparams', 'dtparams=i2s=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['device_tree_param', 'device_tree_param=i2s=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['device_tree_params', 'device_tree_params=i2s=on', '/soc/i2s@7e203000', 'status', 'okay'],
    ['quotes', `dtoverlay=rtc,label="a, b",rate=7`, '/new-clock', 'label', 'a, b'],
    ['what comes behind quotes', `dtoverlay=rtc,label='a, b',rate=7`, '/new-clock', 'rate', '0 0 0 7'],
    ['a file', 'device_tree_overlay=overlays/rtc.dtbo:rate=7', '/new-clock', 'rate', '0 0 0 7'],
    ['a name from the root', 'dtoverlay=/mine/own,rate=7', '/new-clock', 'rate', '0 0 0 7'],
    ['a file in the folder', 'dtoverlay=rtc.dtbo,rate=7', '/new-clock', 'rate', '0 0 0 7'],
    [
      'a file of 2015',
      'device_tree_overlay=overlays/old-overlay.dtb\ndtparam=rate=7',
      '/new-clock',
      'rate',
      '0 0 0 7',
    ],
    ['dtoverlay and a blank', 'dtoverlay rtc,rate=7', '/new-clock', 'rate', '0 0 0 7'],
    ["an overlay's name of 2015", 'dtoverlay=old,rate=1', '/new-clock', 'rate', '0 0 0 1'],
    [
      "the tree's own after an overlay's scope",
      'dtoverlay=rtc\ndtoverlay=\ndtparam=i2s=on',
      '/soc/i2s@7e203000',
      'status',
      'okay',
    ],
  ])('%s', async (_, text, path, name, expected) => {
    const { get, notes } = await settle(text);
    expect(notes).toEqual([]);
    expect(get(path, name)).toBe(expected);
  });

  test.each([
    ['dtparam=nonsense=1', 'nonsense'],
    ['dtoverlay=gone', 'gone'],
    ['dtoverlay= rtc', 'rtc'],
    // In a table without a default, what it has not is an error.
    ['dtoverlay=rtc,odd=c', 'odd'],
    ['dtoverlay=rtc,called=a/b', 'called'],
    ['dtoverlay=rtc,rate=hello', 'rate'],
    ['dtoverlay=rtc,yes=hello', 'yes'],
    ['dtoverlay=rtc,mac=b8:2', 'mac'],
    ['dtoverlay=rtc\ndtoverlay=\ndtparam=rate=1', 'rate'],
  ])('%s leaves a note and the rest as it is', async (text, word) => {
    const { notes, get } = await settle(`${text}\ndtparam=i2s=on`);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(word);
    expect(get('/soc/i2s@7e203000', 'status')).toBe('okay');
  });
});

test.each([
  ['here', 'okay', []],
  ['there', 'okay', []],
  ['old', 'okay', ['The overlay old is called rtc now.']],
  ['worse', 'disabled', ['The overlay worse is gone, and was not applied: use better.']],
  ['new-board', 'disabled', ['The overlay new-board is not for a Pi 2, and was not applied.']],
])('the overlay map is asked for %s', async (name, status, expected) => {
  const map = compile(`/dts-v1/; / {
    here { bcm2835; }; there { bcm2835 = "rtc"; bcm2711; }; old { renamed = "rtc"; };
    worse { deprecated = "use better"; }; new-board { bcm2711; };
  };`);
  const rtc = compile(OVERLAY);
  const card = memoryCard({
    'overlays/overlay_map.dtb': map,
    'overlays/rtc.dtbo': rtc,
    'overlays/here.dtbo': rtc,
    'overlays/new-board.dtbo': rtc,
    'config.txt': `dtoverlay=${name}\n`,
  });
  const notes: string[] = [];
  const fdt = readFdt(compile(BASE));
  await applyTreeSettings(card, await readConfig(card), fdt, '', notes);
  expect(notes).toEqual(expected);
  expect(findNode(fdt, '/soc/i2c')?.properties.get('status')).toEqual(
    new TextEncoder().encode(`${status}\0`),
  );
});

test('a label that an overlay exports can be used by the next one, its others cannot', async () => {
  const exporting = compile(`/dts-v1/; /plugin/; / {
    fragment@0 { target-path = "/soc"; __overlay__ { public: dev@1 { own: inner { }; }; }; };
    fragment@1 { target-path = "/"; __overlay__ { top: thing { }; }; };
    __exports__ { public; top; };
  };`);
  const using = (label: string): Uint8Array =>
    compile(`/dts-v1/; /plugin/; / { fragment@0 { target = <&${label}>; __overlay__ { used; }; }; };`);
  const card = memoryCard({
    'overlays/a.dtbo': exporting,
    'overlays/b.dtbo': using('public'),
    'overlays/c.dtbo': using('top'),
    'overlays/d.dtbo': using('own'),
    'config.txt': 'dtoverlay=a\ndtoverlay=b\ndtoverlay=c\ndtoverlay=d\n',
  });
  const notes: string[] = [];
  const fdt = readFdt(compile(BASE));
  await applyTreeSettings(card, await readConfig(card), fdt, '', notes);
  expect(notes).toEqual([expect.stringContaining('the tree has no label "own"')]);
  expect(findNode(fdt, '/soc/dev')?.properties.has('used')).toBe(true);
  expect(findNode(fdt, '/thing')?.properties.has('used')).toBe(true);
});

describe('overlays of another size than real ones', () => {
  const range = (count: number): number[] => [...Array(count).keys()];
  const TARGETS = 100;
  const tree = compile(
    `/dts-v1/; / { ${range(TARGETS)
      .map((i) => `n${i}: n${i} { };`)
      .join(' ')} };`,
  );
  const withFragments = (count: number): Uint8Array =>
    compile(`/dts-v1/; /plugin/; / {
      ${range(count)
        .map((i) => `fragment@${i} { target = <&n${i % TARGETS}>; __overlay__ { c${i} { }; }; };`)
        .join('\n')}
      fragment@${count} { target-path = "/"; __overlay__ { own: own { }; }; };
      __overrides__ { p = <&own>,"p:0"; };
    };`);
  const settled = async (
    base: Uint8Array,
    files: Readonly<Record<string, Uint8Array>>,
    lines: string,
  ): Promise<{ fdt: Fdt; notes: string[]; ms: number }> => {
    const card = memoryCard({ ...files, 'config.txt': lines });
    const [config, fdt, notes] = [await readConfig(card), readFdt(base), [] as string[]];
    const start = performance.now();
    await applyTreeSettings(card, config, fdt, '', notes);
    return { fdt, notes, ms: performance.now() - start };
  };

  test('take time by their size, and with parameters hardly more', async () => {
    const files = { 'overlays/few.dtbo': withFragments(200), 'overlays/many.dtbo': withFragments(2000) };
    // The first also compiles what is measured.
    await settled(tree, files, 'dtoverlay=few\n'.repeat(20));
    const few = await settled(tree, files, 'dtoverlay=few\n');
    const many = await settled(tree, files, 'dtoverlay=many\n');
    const set = await settled(tree, files, `dtoverlay=many\n${'dtparam=p=1\n'.repeat(100)}`);
    expect(withoutLabels(writeFdt(many.fdt))).toBe(
      withoutLabels(fdtoverlay(tree, files['overlays/many.dtbo'])),
    );
    expect(findNode(set.fdt, '/own')?.properties.get('p')).toEqual(Uint8Array.of(0, 0, 0, 1));
    expect([...many.notes, ...set.notes]).toEqual([]);
    // Ten times as many fragments, not a hundred times as much: none is looked for from the top of the tree, and no
    // parameter has the whole copied.
    expect(many.ms).toBeLessThan(40 * few.ms + 50);
    expect(set.ms).toBeLessThan(10 * many.ms + 50);
  });

  test('that do not fit into a tree leave it as it was', async () => {
    const deep = (levels: number): Uint8Array =>
      compile(
        `/dts-v1/; /plugin/; / { fragment@0 { target-path = "${'/d'.repeat(levels)}/"; __overlay__ { ${'d { '.repeat(30)}${'}; '.repeat(30)} }; }; };`,
      );
    const files = {
      'overlays/a.dtbo': deep(0),
      'overlays/b.dtbo': deep(30),
      'overlays/c.dtbo': deep(60),
      'overlays/wide.dtbo': compile(`/dts-v1/; /plugin/; / {
        fragment@0 { target-path = "/"; __overlay__ { first; }; };
        fragment@1 { target-path = "/"; __overlay__ { big = [${'00 '.repeat(200 << 10)}]; }; };
        fragment@2 { target-path = "/n1"; __overlay__ { big; }; };
      };`),
      'overlays/wider.dtbo': compile(`/dts-v1/; /plugin/; / {
        fragment@0 { target-path = "/"; __overlay__ { second; }; };
        fragment@1 { target-path = "/n2"; __overlay__ { big = [${'00 '.repeat(100 << 10)}]; }; };
      };`),
    };
    const { fdt, notes } = await settled(
      tree,
      files,
      'dtoverlay=a\ndtoverlay=b\ndtoverlay=c\ndtoverlay=wide\ndtoverlay=wider\n',
    );
    const refused = (name: string): unknown =>
      expect.stringMatching(new RegExp(`overlay ${name} was not applied: .* deeper or larger than any is`));
    expect(notes).toEqual([refused('c'), refused('wider')]);
    expect([...fdt.root.properties.keys()]).toEqual(['first', 'big']);
    expect(readFdt(writeFdt(fdt))).toEqual(fdt);
  });

  test('whose fragments go into each other for ever are refused', async () => {
    // Each fragment has all before it, so that the sum of them grows by the square.
    const overlay = compile(`/dts-v1/; /plugin/; / {
      ${range(1000)
        .map((i) => `fragment@${i} { target = <&l${i + 1}>; __overlay__ { l${i}: x { }; }; };`)
        .join('\n')}
      fragment@1000 { target-path = "/"; __overlay__ { l1000: x { }; }; };
    };`);
    const { fdt, notes } = await settled(tree, { 'overlays/chain.dtbo': overlay }, 'dtoverlay=chain\n');
    expect(notes).toEqual([expect.stringContaining('it adds more than 16384 nodes')]);
    expect(fdt).toEqual(readFdt(tree));
  });

  test('a parameter that fails has changed nothing', async () => {
    const base = compile(`/dts-v1/; / {
      a: a { first; second; };
      __overrides__ { p = <&a>,"first!", <&a>,"third:0", <&a>,"name", <99>,"gone"; };
    };`);
    const { fdt, notes } = await settled(base, {}, 'dtparam=p=1\n');
    expect(notes).toEqual([expect.stringContaining('is about a node that is not there')]);
    expect(writeFdt(fdt)).toEqual(writeFdt(readFdt(base)));
  });

  test('parameters that set more than a tree holds are refused', async () => {
    const overrides = `p = ${range(30)
      .map((i) => `<&a>,"x${i}.9999"`)
      .join(', ')};`;
    const base = compile(`/dts-v1/; / { a: a { }; __overrides__ { ${overrides} }; };`);
    const { fdt, notes } = await settled(base, {}, 'dtparam=p=1\n');
    expect(notes).toEqual([expect.stringContaining('its parameter p sets more than 65536 bytes')]);
    expect(findNode(fdt, '/a')?.properties.size).toBe(1);
  });

  test('parameters that are longer than any are set as far as they take no long time', async () => {
    const targets = range(10_000).map((i) => `<&a>,"x${i}!"`);
    const base = compile(
      `/dts-v1/; / { a: a { }; __overrides__ { p = ${targets.join(', ')}; q = <&a>,"q:0"; }; };`,
    );
    const declared = findNode(readFdt(base), '/__overrides__')!.properties.get('p')!.length;
    const fit = Math.floor(2 ** 20 / declared);
    const { fdt, notes } = await settled(
      base,
      {},
      `${'dtparam=p=1\n'.repeat(fit)}dtparam=q=1\ndtparam=p=1\n`,
    );
    expect(notes).toEqual([expect.stringContaining('its parameters have more than 1048576 bytes together')]);
    expect(findNode(fdt, '/a')?.properties.has('q')).toBe(true);
  });

  test('too many bytes of them are left out, in words', async () => {
    const big = compile(`/dts-v1/; /plugin/; / {
      fragment@0 { target-path = "/"; __overlay__ { count; }; };
      fragment@1 { target-path = "/"; __dormant__ { big = [${'00 '.repeat(200 << 10)}]; }; };
    };`);
    const { notes } = await settled(tree, { 'overlays/big.dtbo': big }, 'dtoverlay=big\n'.repeat(25));
    expect(notes).toEqual([
      'The overlay big and what follows was not applied: together they have more than 4194304 bytes.',
    ]);
  });
});

test('a parameter that is not there is told', () => {
  expect(setParameter(readFdt(compile(BASE)), 'nothing', '1')).toBe(false);
});

test('a folder where the map of overlays would be is no map', async () => {
  const overlay = compile(
    '/dts-v1/; /plugin/; / { fragment@0 { target-path = "/"; __overlay__ { used; }; }; };',
  );
  const card = memoryCard({
    'overlays/overlay_map.dtb/file': 'x',
    'overlays/a.dtbo': overlay,
    'config.txt': 'dtoverlay=a\n',
  });
  const fdt = readFdt(compile(BASE));
  await applyTreeSettings(card, await readConfig(card), fdt, '', []);
  expect(fdt.root.properties.has('used')).toBe(true);
});
