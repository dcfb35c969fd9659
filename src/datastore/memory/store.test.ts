import { storeCases } from '../store.cases.ts';
import { MemoryStore } from './store.ts';

storeCases(
  async () => new MemoryStore(),
  async (store) => (store as MemoryStore).compact(),
);
