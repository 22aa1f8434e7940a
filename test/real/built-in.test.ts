import { describe, expect, it } from 'vitest';
import { BOOT_SECONDS, forBoots, hypberry, useBench } from './real-card.js';

const bench = useBench();

describe('the built-in Pi 2', () => {
  it(
    "starts Debian's 6.1 kernel behind our block in HYP mode on all four cores, the same way every time",
    async () => {
      const image = await bench.image('bookworm');
      const run = async (): Promise<Record<string, unknown>> => {
        const ended = await hypberry(
          ...['try', '--json', '--method', 'kernel_old'],
          ...['--timeout', String(BOOT_SECONDS), image],
        );
        expect(ended.errors).toBe('');
        expect(ended.status).toBe(0);
        return JSON.parse(ended.output) as Record<string, unknown>;
      };
      const first = await run();
      expect(first).toMatchObject({ verdict: 'HYP', engine: 'built-in', cores: 4 });
      expect(first['console']).toContain('CPU: All CPU(s) started in HYP mode.');
      // By then every core has come to the kernel, and was seen.
      const { handover } = first['machine'] as { handover: { point: string; ok: boolean | null }[] };
      expect(handover.length).toBeGreaterThan(0);
      expect(handover.filter(({ ok }) => ok !== true)).toEqual([]);
      // Time is counted in instructions: the kernel's time stamps are the same in every run.
      expect((await run())['console']).toBe(first['console']);
    },
    forBoots(2),
  );
});
