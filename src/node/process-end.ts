const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Has `clean` called when this process ends while others' work is under way, by `process.exit` or by a signal
 * that would end it. A signal that somebody else listens to is theirs to answer.
 * @returns a function that takes it back
 */
export function onProcessEnd(clean: () => void): () => void {
  const onSignal = (name: NodeJS.Signals) => {
    if (process.listeners(name).some((it) => !ours.has(it))) return;
    clean();
    release();
    // The last of ours lets the signal do what it does without a listener.
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  const release = () => {
    ours.delete(onSignal);
    process.removeListener('exit', clean);
    for (const name of endingSignals) process.removeListener(name, onSignal);
  };
  ours.add(onSignal);
  process.once('exit', clean);
  for (const name of endingSignals) process.on(name, onSignal);
  return release;
}

/** The signal listeners that {@link onProcessEnd} put there. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- as process.listeners has it
const ours = new Set<Function>();
