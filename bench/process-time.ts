import { readFileSync } from 'node:fs';

/** Clock ticks of /proc a second (proc(5), utime). */
const TICKS = 100;

/** Milliseconds of processor time that this process and its children took so far. */
export function processTime(): number {
  const { user, system } = process.cpuUsage();
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  const children = pids.map((pid) => {
    const [utime, stime] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\)/, '')
      .split(' ')
      .slice(12);
    return ((Number(utime) + Number(stime)) * 1000) / TICKS;
  });
  return (user + system) / 1000 + children.reduce((sum, it) => sum + it, 0);
}
