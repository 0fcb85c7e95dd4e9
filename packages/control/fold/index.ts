/** Folding watches into records, telling listeners by topic, and streaming snapshots to proxies: the base of every index. */
export { Answers, type Question } from './answers.ts';
export { Collection, keyOf } from './collection.ts';
export { type Following, follow, type Watched, type WatchObserver } from './follow.ts';
export { WatchHealth } from './health.ts';
export { notedClient } from './noted-client.ts';
export { streamSnapshots } from './snapshots.ts';
export { type Listener, Topics } from './topics.ts';
