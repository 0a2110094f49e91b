import type { BuiltNode, BuiltPackage } from './builtNode.mts';

/** The process is dead: nothing comes back. */
export const never = new Promise<never>(() => undefined);

/** One n8n process. What it does may take time, and it may be killed at any step. */
export class Process {
	isAlive = true;

	private built?: BuiltNode;

	/** Ends what runs in it. */
	readonly ended = new AbortController();

	/** n8n's `WaitTracker`: executions that a timer is set for. */
	readonly timers = new Set<string>();

	/** @param pass called at each step: may take time, or kill the process */
	constructor(
		readonly role: 'all' | 'main' | 'webhook' | 'worker',
		private readonly builtPackage: BuiltPackage,
		private readonly pass: (process: Process) => Promise<void>,
	) {}

	/** The package, as this process has loaded it. */
	get node(): BuiltNode {
		this.built ??= this.builtPackage.load();
		return this.built;
	}

	/** A place at which the process may die, or be slow. In a dead one nothing goes on. */
	async step(): Promise<void> {
		if (this.isAlive) await this.pass(this);
		if (!this.isAlive) await never;
	}
}
