// Prints which share of each source folder's lines the tests run, and the files with most lines that none runs.
// Run: export DENO_COVERAGE_DIR=/tmp/coverage   (processes that tests start write there too)
//      deno task test
//      deno coverage --lcov --include=/src/ /tmp/coverage | deno run tests/helpers/coverage_table.ts
const FILES = 20;

/** Lines of a file or folder. */
interface Lines {
  readonly run: number;
  readonly all: number;
}

const share = ({ run, all }: Lines) => `${(100 * run / all).toFixed(1)} %`;
const sum = (parts: readonly Lines[]): Lines =>
  parts.reduce((a, b) => ({ run: a.run + b.run, all: a.all + b.all }), { run: 0, all: 0 });

const lcov = await new Response(Deno.stdin.readable).text();
const files = lcov.split("end_of_record").flatMap((record) => {
  const name = /^SF:.*?(src\/.*)$/m.exec(record)?.[1];
  const counts = [...record.matchAll(/^DA:\d+,(\d+)/gm)].map(([, count]) => Number(count));
  return name === undefined
    ? []
    : [{ name, run: counts.filter((count) => count > 0).length, all: counts.length }];
});
const folders = Map.groupBy(files, ({ name }) => name.split("/").slice(0, 2).join("/"));
for (const [folder, parts] of [...folders].toSorted()) {
  const lines = sum(parts);
  console.log(`| \`${folder}\` | ${lines.run} of ${lines.all} | ${share(lines)} |`);
}
console.log(`| all | ${sum(files).run} of ${sum(files).all} | ${share(sum(files))} |\n`);
for (const file of files.toSorted((a, b) => b.all - b.run - (a.all - a.run)).slice(0, FILES)) {
  console.log(`${file.name}: ${file.all - file.run} of ${file.all} lines are not run`);
}
