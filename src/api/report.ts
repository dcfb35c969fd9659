/** Reporting a problem of a field from a check of the object that holds it. */
export type Report = (path: (string | number)[], problem: string) => void;

interface Context {
  addIssue(issue: { code: 'custom'; message: string; path: (string | number)[]; input?: unknown }): void;
}

export function reporter(context: Context): Report {
  return (path, message) => context.addIssue({ code: 'custom', message, path });
}
