import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { addBlock, muteBlock, splitConfig } from '../../src/setup/config-block.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder('latin1').decode(data);

const OURS = ['[pi2]', 'kernel=hypberry-00000000.img', '[all]'];

/** config.txt files as people and tools write them, and bytes that nobody would. */
const anyConfig = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        'kernel=a.img',
        '[pi3]',
        '',
        '# x',
        'dtparam=audio=on',
        '\u00e4\u00f6',
        '# hypberry: en',
        '\r',
      ),
    )
    .chain((lines) =>
      fc
        .tuple(fc.constantFrom('\n', '\r\n'), fc.constantFrom('', '\n', '\r\n', '\r'))
        .map(([end, last]) => bytes(lines.join(end) + last)),
    ),
);

describe('our block in config.txt', () => {
  test('taking it out gives back every byte of any file', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        const split = splitConfig(addBlock(config, OURS));
        expect(split.without).toEqual(config);
        expect(split.lines).toEqual(OURS);
      }),
      { numRuns: 2000 },
    );
  });

  test('taking it out of a file that was not there gives no file, unless somebody wrote into it since', () => {
    expect(splitConfig(addBlock(undefined, OURS))).toEqual({ without: undefined, lines: OURS });
    const edited = bytes(`${text(addBlock(undefined, OURS))}b=2\n`);
    expect(splitConfig(edited).without).toEqual(bytes('b=2\n'));
    expect(splitConfig(addBlock(new Uint8Array(0), OURS)).without).toEqual(new Uint8Array(0));
  });

  test('what stood there stays in front of it, byte for byte', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        expect(addBlock(config, OURS).subarray(0, config.length)).toEqual(config);
      }),
    );
  });

  test('every line of it stands on a line of its own, with the line ends of the file', () => {
    expect(text(addBlock(bytes('a=1\r\nb=2'), ['kernel_old=1'])).split('\r\n')).toEqual([
      'a=1',
      'b=2',
      expect.stringMatching(/^# hypberry: begin/) as string,
      'kernel_old=1',
      '# hypberry: end',
      '',
    ]);
    expect(text(addBlock(bytes('a=1\n'), ['kernel_old=1']))).toMatch(
      /^a=1\n# hypberry: begin[^\n]*\nkernel_old=1\n# hypberry: end\n$/,
    );
  });

  test('lines that the user wrote behind it stay', () => {
    const config = addBlock(bytes('a=1\n'), OURS);
    const edited = bytes(`${text(config)}b=2\n`);
    expect(text(splitConfig(edited).without!)).toBe('a=1\nb=2\n');
  });

  test('a line that ends otherwise, put in front of it, keeps every byte', () => {
    const config = addBlock(bytes('a=1\r\nb=2'), OURS);
    const edited = bytes(text(config).replace('# hypberry: begin', 'c=3\n$&'));
    expect(text(splitConfig(edited).without!)).toBe('a=1\r\nb=2\r\nc=3\n');
  });

  test.each([
    'arm_freq=900',
    'kernel=mine.img',
    '# a note',
    '[pi4]',
    'kernel_old=0',
    'device_tree_address=0x02000000',
    'initramfs initrd.img followkernel',
    '#initramfs initrd.img followkernel',
  ])('refused where somebody wrote a line of their own into it: %s', (line) => {
    const edited = bytes(text(addBlock(bytes('a=1\n'), OURS)).replace('# hypberry: end', `${line}\n$&`));
    expect(() => splitConfig(edited)).toThrow(
      expect.objectContaining({
        code: 'setup.config-damaged',
        message: expect.stringContaining(`"${line}"`) as string,
      }) as HypberryError,
    );
  });

  test('its lines may have been made comments, other ends of line, or blank ones put in', () => {
    const ours = [
      ...OURS,
      'kernel_old=1',
      'device_tree_address=0x08000000',
      'device_tree=hypberry-00000000.dtb',
      'initramfs rd followkernel',
    ];
    const whole = text(addBlock(bytes('a=1\n'), ours));
    for (const edited of [
      whole.replaceAll('\n', '\r\n'),
      whole.replaceAll(/^(?=[kdi])/gm, '#'),
      whole.replaceAll(/^(?=[kdi])/gm, '# '),
      text(muteBlock(bytes(whole))),
      whole.replace('[all]', '\n[all] '),
    ])
      expect(text(splitConfig(bytes(edited)).without!).trimEnd()).toBe('a=1');
  });

  // As an editor that indents, or a tool that adds a blank: the firmware passes over them.
  test.each([
    ['indented', (line: string) => `  ${line}`],
    ['indented by a tab', (line: string) => `\t${line}`],
    ['with a blank behind', (line: string) => `${line} `],
    ['both', (line: string) => ` ${line}\t `],
  ])('is found where its lines are %s, and can be made comments', (_, change) => {
    const lines = text(addBlock(bytes('a=1\n'), ['[pi2]', 'kernel=hypberry-00000000.img', '[all]'])).split(
      '\n',
    );
    const edited = bytes(lines.map((line, i) => (i === 0 || line === '' ? line : change(line))).join('\n'));
    const split = splitConfig(edited);
    expect([text(split.without!), split.lines?.map((line) => line.trim())]).toEqual(['a=1\n', OURS]);
    const muted = muteBlock(edited);
    expect(muted.length).toBe(edited.length);
    const inForce = text(muted)
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(inForce).toEqual(['a=1', '[pi2]', '[all]']);
    expect(text(splitConfig(muted).without!)).toBe('a=1\n');
  });

  test('blank lines in it stay lines where it is made a comment', () => {
    const whole = text(addBlock(undefined, OURS)).replace('[all]', '\n\r\n[all]');
    expect(text(muteBlock(bytes(whole)))).toContain('\n\n\r\n[all]\n');
  });

  test('a file without it comes back as it is', () => {
    fc.assert(
      fc.property(anyConfig, (config) => {
        expect(splitConfig(config)).toEqual({ without: config, lines: undefined });
      }),
    );
  });

  test.each([
    [
      'the end is gone',
      (whole: string) => whole.replace('# hypberry: end\n', ''),
      /"# hypberry: end" is gone/,
    ],
    [
      'the begin is gone',
      (whole: string) => whole.replace(/# hypberry: begin.*\n/, ''),
      /"# hypberry: begin .*" is gone/,
    ],
    ['it stands there twice', (whole: string) => whole + whole, /not one pair/],
    ['it is upside down', (whole: string) => whole.split('\n').reverse().join('\n') + '\n', /not one pair/],
  ])('refused where %s', (_, damage, message) => {
    const damaged = bytes(damage(text(addBlock(bytes('a=1\n'), OURS))));
    expect(() => splitConfig(damaged)).toThrow(
      expect.objectContaining({
        code: 'setup.config-damaged',
        message: expect.stringMatching(message) as string,
      }) as HypberryError,
    );
  });
});
