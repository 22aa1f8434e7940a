import { expect, test } from 'vitest';
import { bitPlace } from '../../src/isa/bits.js';
import type { BitPlaces } from '../../src/isa/system-registers.js';
import * as systemRegisters from '../../src/isa/system-registers.js';

const registers = Object.values(systemRegisters).filter((it) => typeof it === 'object');

test('no two system registers share an encoding, but for the two names that the formats of tables give', () => {
  const byEncoding = new Map<string, string[]>();
  for (const it of registers) {
    const place = it.size === 32 ? [it.opc1, it.CRn, it.CRm, it.opc2] : [it.opc1, it.CRm];
    const key = [it.size, it.coproc, ...place].join(' ');
    byEncoding.set(key, [...(byEncoding.get(key) ?? []), it.name]);
  }
  const shared = [...byEncoding.values()].filter((names) => names.length > 1);
  expect(shared.map((names) => names.sort().join()).sort()).toEqual(['MAIR0,PRRR', 'MAIR1,NMRR']);
});

test('named bits lie in the register and apart, but for those of TTBCR, DFSR, IFSR and TTBR that two formats share', () => {
  const shared: string[] = [];
  for (const { name, size, bits } of registers) {
    const places = Object.entries(bits as BitPlaces).map(([field, place]) => ({ field, ...bitPlace(place) }));
    for (const [i, a] of places.entries()) {
      expect(a.low, `${name}.${a.field}`).toBeGreaterThanOrEqual(0);
      expect(a.width, `${name}.${a.field}`).toBeGreaterThan(0);
      expect(a.low + a.width, `${name}.${a.field}`).toBeLessThanOrEqual(size);
      for (const b of places.slice(i + 1))
        if (a.low < b.low + b.width && b.low < a.low + a.width) shared.push(`${name} ${a.field} ${b.field}`);
    }
  }
  expect(shared.sort()).toEqual([
    ...['DFSR Domain STATUS', 'DFSR FS STATUS', 'IFSR FS STATUS', 'TTBCR N T0SZ'],
  ]);
});
