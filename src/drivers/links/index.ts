export * from './driver.ts';
export * from './table.ts';
