import { BuiltPackage } from './builtNode.mts';
import type { Mutation } from './builtNode.mts';
import { explore } from './explore.mts';

/** Changes to the built code that break a rule of money, or of order: each must be found. */
export const MUTATIONS: Mutation[] = [];

/** Prints what finds each change. @returns the exit code */
export async function printMutations(root: string, runs: number, seed: number): Promise<number> {
	const table: string[] = ['| change | found after | seed and path |', '|---|---|---|'];
	let missed = 0;
	for (const mutation of MUTATIONS) {
		const { failure } = await explore(new BuiltPackage(root, mutation), { runs, seed });
		if (!failure) missed++;
		const found = failure
			? `${failure.runs} histories: ${failure.broken[0]} | ${seed}, ${failure.path}`
			: 'not found |';
		table.push(`| ${mutation.name} | ${found} |`);
		process.stdout.write(`${table.at(-1)}\n`);
	}
	process.stdout.write(`${table.join('\n')}\n`);
	return missed === 0 ? 0 : 1;
}
