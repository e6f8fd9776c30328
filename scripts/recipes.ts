// Imports a shipped recipe by its name, for the tools. Deno lets a script import what lies beside it without a
// permission, if the path is a template of this form.

/** The module of the script of that name in this folder. */
export function importShipped(name: string): Promise<Readonly<Record<string, unknown>>> {
  return import(`./${name}.ts`);
}
