/** gdb-multiarch on a machine of Debian's kernels: a host and a guest, which have their vectors at the same address. */
import { expect, it } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { createSession } from '../../src/engine/session.js';
import { debug } from '../../src/gdb/debuggee.js';
import { hypervisorIn } from '../../src/setup/hypervisor.js';
import { gdb } from '../gdb/client.js';
import { debianMachine } from './debian-machine.js';
import { everything } from './real-card.js';

useTools();

const SECONDS = 900;
/** Linux' vector for system calls (ARM ARM B1.8.1, high vectors), where its first instruction is LDR PC. */
const SVC_VECTOR = 0xffff_0008;
/** Of what a system call keeps on the stack from there on, R7, by which it is called (Linux, ptrace.h: 18 words). */
const KEPT_R7 = 18 * 4 - 7 * 4;
/** Where Linux has the beginning of RAM. */
const PAGE_OFFSET = 0xc000_0000;

it.runIf(everything)(
  "a breakpoint at Linux' vectors is the guest's or the host's, and a watchpoint sees what is kept there",
  async () => {
    const machine = await debianMachine({
      suite: 'bookworm',
      cores: 3,
      script: 'while true; do cat /proc/uptime >/dev/null; done',
      guests: [
        { name: 'one', suite: 'bookworm', cores: [3], script: 'while true; do cat /proc/uptime; done' },
      ],
    });
    const file = machine.memory.find(({ name }) => name === 'kernel')!.data;
    const hypervisor = hypervisorIn(file)!;
    const pi = await createBuiltInPi({ ...machine, consoles: hypervisor.consoles }, () => undefined);
    const session = createSession(pi, { fast: true });
    const debuggee = debug(pi, session, hypervisor);
    debuggee.attach();
    const look = (name: string): string[] => [
      'continue',
      `printf "${name} pc %x mode %x\\n", $pc, $cpsr & 0x1f`,
      `printf "${name} memory %x\\n", *(unsigned *)${PAGE_OFFSET + 0x8000}`,
      'info threads',
    ];
    const said = await gdb({ pi, session, debuggee, run: session.run() }, 'extended-remote', [
      'set schedule-multiple on',
      ...[2, 3].flatMap((n) => ['add-inferior', `inferior ${n}`, `attach ${n}`]),
      ...['inferior 3', `hbreak *${SVC_VECTOR}`, ...look('guest'), 'delete'],
      ...['inferior 2', `hbreak *${SVC_VECTOR}`, ...look('host'), 'delete'],
      ...[`watch -l *(int *)($sp - ${KEPT_R7})`, 'continue', 'printf "kept %d\\n", $r7', 'thread 3.1'],
      ...[`printf "waits %x\\n", *(unsigned *)${PAGE_OFFSET + 0x8000}`, 'monitor physical'],
      `printf "physical %x\\n", *(unsigned *)${hypervisor.guests[0]!.physical + 0x8000}`,
    ]);
    expect(said).toMatch(/Thread 3\.1 "one, CPU 0" hit Breakpoint 1, 0xffff0008/);
    expect(said).toMatch(/Thread 2\.\d "host, CPU \d" hit Breakpoint 2, 0xffff0008/);
    expect(said).toMatch(/guest pc ffff0008 mode 13/);
    expect(said).toMatch(/host pc ffff0008 mode 13/);
    const changed = /hit Hardware watchpoint 3: .*\n\nOld value = -?\d+\nNew value = (-?\d+)\n/;
    expect(said).toMatch(changed);
    const [, now] = changed.exec(said)!;
    expect(said).toContain(`kept ${now!}\n`);
    // Its kernel by its own tables, and where it is on the board.
    const [, virtual] = /^waits ([0-9a-f]+)$/m.exec(said)!;
    expect(said).toContain(`physical ${virtual!}\n`);
    expect(said).not.toContain('gdb-multiarch ended');
  },
  (SECONDS + 60) * 1000,
);
