import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

/** A change to the built code, to see whether the simulation notices. */
export interface Mutation {
	name: string;
	/** Below `dist/nodes`, without `.js`. */
	module: string;
	find: string;
	replace: string;
}

/** The functions of the built package that n8n calls. */
export interface BuiltNode {
	generate: typeof import('../../nodes/KlingV2vGenerate/execute.ts');
	status: typeof import('../../nodes/KlingTaskStatus/execute.ts');
	resume: typeof import('../../nodes/shared/wait/resume.ts');
}

interface Module {
	exports: Record<string, unknown>;
}

/**
 * Modules that keep something between two calls, which another process does not share; and the statement that makes them as
 * they are in a process that has just begun.
 */
export const STATEFUL: Record<string, string> = {
	'KlingV2vGenerate/submit/ledger': 'callsUnderWay.clear()',
	'KlingV2vGenerate/submit/writeAhead': 'queue = Promise.resolve()',
	'shared/wait/resume': 'wakes.entries.clear()',
};

/** The package as one process has loaded it. */
class Instance {
	readonly own = new Map<string, Module>();

	readonly resets: Array<() => void> = [];

	node!: BuiltNode;
}

/**
 * The built package as processes load it. Modules that keep something, and those that import them, are there once for each
 * process; the others once for all. Processes of one history after another share what was loaded, made new.
 */
export class BuiltPackage {
	private readonly scripts = new Map<string, vm.Script>();

	private readonly imports = new Map<string, string[]>();

	private readonly stateful = new Map<string, boolean>();

	private readonly shared = new Map<string, Module>();

	private readonly free: Instance[] = [];

	private readonly used: Instance[] = [];

	private readonly dist: string;

	private readonly requireFromDist: NodeJS.Require;

	/** @param root of the repository, whose `dist` is built */
	constructor(
		root: string,
		private readonly mutation?: Mutation,
	) {
		this.dist = path.join(root, 'dist/nodes');
		this.requireFromDist = createRequire(path.join(this.dist, 'any.js'));
		if (mutation) this.script(this.fileOf(mutation.module));
	}

	/** The processes of the history before are gone. */
	begin(): void {
		for (const instance of this.used.splice(0)) {
			for (const reset of instance.resets) reset();
			this.free.push(instance);
		}
	}

	/** @returns the package as a process that has just begun has loaded it */
	load(): BuiltNode {
		const instance = this.free.pop() ?? this.newInstance();
		this.used.push(instance);
		return instance.node;
	}

	private newInstance(): Instance {
		const instance = new Instance();
		const entry = <T,>(module: string) =>
			this.require(this.fileOf(module), instance).exports as unknown as T;
		instance.node = {
			generate: entry('KlingV2vGenerate/execute'),
			status: entry('KlingTaskStatus/execute'),
			resume: entry('shared/wait/resume'),
		};
		return instance;
	}

	private fileOf(module: string): string {
		return path.join(this.dist, `${module}.js`);
	}

	private require(file: string, instance: Instance): Module {
		const modules = this.isStateful(file, new Set()) ? instance.own : this.shared;
		const known = modules.get(file);
		if (known) return known;
		const module: Module = { exports: {} };
		modules.set(file, module);
		const require = (name: string) =>
			name.startsWith('.')
				? this.require(resolve(file, name), instance).exports
				: this.requireFromDist(name);
		const body = this.script(file).runInThisContext() as (...given: unknown[]) => () => void;
		instance.resets.push(body(module.exports, require, module));
		return module;
	}

	/** A module as a function, which gives back what makes it new. */
	private script(file: string): vm.Script {
		const known = this.scripts.get(file);
		if (known) return known;
		const text = this.mutated(file, fs.readFileSync(file, 'utf8'));
		const found = [...text.matchAll(/require\("(\.[^"]+)"\)/g)].map(([, name]) => name);
		this.imports.set(
			file,
			found.map((name) => resolve(file, name)),
		);
		const reset = STATEFUL[path.relative(this.dist, file).replace(/\.js$/, '')] ?? '';
		const script = new vm.Script(
			`(function (exports, require, module) {${text}\nreturn () => { ${reset} };\n})`,
			{ filename: file },
		);
		this.scripts.set(file, script);
		return script;
	}

	private mutated(file: string, text: string): string {
		if (!this.mutation || file !== this.fileOf(this.mutation.module)) return text;
		const { name, find, replace } = this.mutation;
		const count = text.split(find).length - 1;
		if (count !== 1) throw new Error(`${name}: its text stands ${count} times in ${file}`);
		return text.replace(find, () => replace);
	}

	/** Whether a module keeps something, or imports one that does. */
	private isStateful(file: string, seen: Set<string>): boolean {
		const known = this.stateful.get(file);
		if (known !== undefined) return known;
		if (seen.has(file)) return false;
		seen.add(file);
		this.script(file);
		const isIt =
			Object.keys(STATEFUL).some((module) => file === this.fileOf(module)) ||
			(this.imports.get(file) ?? []).some((name) => this.isStateful(name, seen));
		this.stateful.set(file, isIt);
		return isIt;
	}
}

function resolve(from: string, name: string): string {
	const base = path.resolve(path.dirname(from), name);
	return fs.existsSync(`${base}.js`) ? `${base}.js` : path.join(base, 'index.js');
}
