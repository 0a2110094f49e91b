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

type Module = { exports: Record<string, unknown> };

/** These keep something between two calls, which another process does not share. */
const STATEFUL = ['KlingV2vGenerate/submit/ledger', 'KlingV2vGenerate/submit/writeAhead'];

/** The functions of the built package that n8n calls. */
export interface BuiltNode {
	generate: typeof import('../../nodes/KlingV2vGenerate/execute.ts');
	status: typeof import('../../nodes/KlingTaskStatus/execute.ts');
	resume: typeof import('../../nodes/shared/wait/resume.ts');
}

/**
 * The built package as processes load it. Modules that keep something, and those that import them, are there once for each
 * process; the others once for all.
 */
export class BuiltPackage {
	private readonly scripts = new Map<string, vm.Script>();

	private readonly imports = new Map<string, string[]>();

	private readonly shared = new Map<string, Module>();

	private readonly dist: string;

	private readonly requireFromDist: NodeJS.Require;

	constructor(
		root: string,
		private readonly mutation?: Mutation,
	) {
		this.dist = path.join(root, 'dist/nodes');
		this.requireFromDist = createRequire(path.join(this.dist, 'any.js'));
		if (mutation) this.script(path.join(this.dist, `${mutation.module}.js`));
	}

	/** Loads the package as a process that has just begun. */
	load(): BuiltNode {
		const own = new Map<string, Module>();
		const entry = (module: string) =>
			this.require(path.join(this.dist, `${module}.js`), own).exports;
		return {
			generate: entry('KlingV2vGenerate/execute') as unknown as BuiltNode['generate'],
			status: entry('KlingTaskStatus/execute') as unknown as BuiltNode['status'],
			resume: entry('shared/wait/resume') as unknown as BuiltNode['resume'],
		};
	}

	private require(file: string, own: Map<string, Module>): Module {
		const modules = this.isStateful(file, new Set()) ? own : this.shared;
		const known = modules.get(file);
		if (known) return known;
		const module: Module = { exports: {} };
		modules.set(file, module);
		const require = (name: string) =>
			name.startsWith('.')
				? this.require(this.resolve(file, name), own).exports
				: this.requireFromDist(name);
		const body = this.script(file).runInThisContext() as (...given: unknown[]) => void;
		body(module.exports, require, module, file, path.dirname(file));
		return module;
	}

	private script(file: string): vm.Script {
		const known = this.scripts.get(file);
		if (known) return known;
		const text = this.mutated(file, fs.readFileSync(file, 'utf8'));
		const found = [...text.matchAll(/require\("(\.[^"]+)"\)/g)].map(([, name]) => name);
		this.imports.set(
			file,
			found.map((name) => this.resolve(file, name)),
		);
		const script = new vm.Script(
			`(function (exports, require, module, __filename, __dirname) {${text}\n})`,
			{ filename: file },
		);
		this.scripts.set(file, script);
		return script;
	}

	private mutated(file: string, text: string): string {
		if (!this.mutation || file !== path.join(this.dist, `${this.mutation.module}.js`)) return text;
		const { name, find, replace } = this.mutation;
		const count = text.split(find).length - 1;
		if (count !== 1) throw new Error(`${name}: its text stands ${count} times in ${file}`);
		return text.replace(find, () => replace);
	}

	private readonly stateful = new Map<string, boolean>();

	/** Whether a module keeps something, or imports one that does. */
	private isStateful(file: string, seen: Set<string>): boolean {
		const known = this.stateful.get(file);
		if (known !== undefined) return known;
		if (seen.has(file)) return false;
		seen.add(file);
		this.script(file);
		const isIt =
			STATEFUL.some((module) => file === path.join(this.dist, `${module}.js`)) ||
			(this.imports.get(file) ?? []).some((name) => this.isStateful(name, seen));
		this.stateful.set(file, isIt);
		return isIt;
	}

	private resolve(from: string, name: string): string {
		const base = path.resolve(path.dirname(from), name);
		return fs.existsSync(`${base}.js`) ? `${base}.js` : path.join(base, 'index.js');
	}
}
