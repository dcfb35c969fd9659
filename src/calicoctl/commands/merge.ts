/** Kubernetes' strategic merge, for objects whose lists are whole: what `patch` does with the fields that it is given. */

type Fields = Record<string, unknown>;

const DELETE_FROM = '$deleteFromPrimitiveList/';

/**
 * Objects are merged field by field, anything else replaces; null removes. Directives: `$patch: replace` (the object as
 * the change has it), `$patch: delete` (it becomes empty), `$deleteFromPrimitiveList/FIELD: […]`.
 */
export function merge(current: unknown, change: unknown): unknown {
  if (!isObject(change)) return change;
  const { $patch: directive, ...fields } = change;
  if (directive === 'delete') return {};
  // What is new is taken as it stands: upstream reads a null in it as the field's empty value.
  if (directive === 'replace' || !isObject(current)) return fields;
  const merged: Fields = { ...current };
  for (const [key, value] of Object.entries(fields)) {
    if (value === null) delete merged[key];
    else if (key.startsWith(DELETE_FROM)) removeFrom(merged, key.slice(DELETE_FROM.length), value);
    else if (!key.startsWith('$')) merged[key] = merge(merged[key], value);
  }
  return merged;
}

function removeFrom(fields: Fields, key: string, members: unknown): void {
  const list = fields[key];
  if (Array.isArray(list) && Array.isArray(members)) fields[key] = list.filter((member) => !members.includes(member));
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
