/**
 * A new workload in the dispatch to all of them: from names to the text of the chains that differ, one family. Prints JSON
 * lines; `us` is CPU time in microseconds.
 *
 *     node bench/dispatch.ts [ENDPOINTS]
 */
import { ChainStore } from '../src/dataplane/chain-store.ts';
import { Table } from '../src/drivers/iptables/index.ts';
import { DEFAULT_RULES_CONFIG, staticTables, workloadDispatchChains } from '../src/rules/index.ts';

const ROUNDS = 30;
const endpoints = Number(process.argv[2] ?? 1000);
const table = new Table('filter', 'insert');
const store = new ChainStore(table, { family: 4, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true });
const names: string[] = [];

function add(): void {
  names.push(`cali${((names.length * 2654435761) % 2 ** 32).toString(16).padStart(11, '0')}`);
}

/** Returns how many chains were written. */
function write(): number {
  for (const chain of workloadDispatchChains(names, DEFAULT_RULES_CONFIG)) store.offer(chain);
  const plan = table.plan({ removals: true });
  if (!plan) return 0;
  for (const _ of plan.parts());
  table.reached(plan);
  return plan.written.length;
}

store.offerTable(staticTables(DEFAULT_RULES_CONFIG, 4).filter);
for (let i = 0; i < endpoints; i++) add();
const before = process.cpuUsage();
const all = write();
const first = process.cpuUsage(before);
const start = process.cpuUsage();
let written = 0;
for (let round = 0; round < ROUNDS; round++) {
  add();
  written += write();
}
const { user, system } = process.cpuUsage(start);
const line = (bench: string, us: number, chains: number) =>
  console.log(JSON.stringify({ bench: `dispatch/${bench}`, us: Math.round(us), endpoints, chains }));
line('all', first.user + first.system, all);
line('one-more', (user + system) / ROUNDS, Math.round(written / ROUNDS));
