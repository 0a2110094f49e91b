import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';

/** One request that the emulator has seen. */
export interface Seen {
	n: number;
	at: number;
	listener: 'api' | 'media';
	action: string;
	provider?: string;
	method: string;
	path: string;
	headers: Record<string, string>;
	body: unknown;
	carriesKey: boolean;
	status?: number;
	taskId?: string;
	ended: string | null;
}

export interface EmulatedTask {
	provider: string;
	endpoint: string;
	taskId: string;
	status: string;
	/** Whether somebody pays for it. */
	account: 'billed' | 'rejected' | 'seeded';
	body: Record<string, unknown>;
	callbacks: unknown[];
}

export interface State {
	tasks: EmulatedTask[];
	/** By provider, and in total. */
	billed: Record<string, number>;
	rejected: unknown;
	requests: Seen[];
	violations: Array<{ request: number; what: string }>;
}

/** A fault of the emulator's README. */
export interface Rule {
	match: Record<string, unknown>;
	times?: number;
	skip?: number;
	fault: { kind: string } & Record<string, unknown>;
}

/** The emulator in a process of its own, as the real APIs are. */
export class Emulator {
	private constructor(
		readonly apiUrl: string,
		readonly mediaUrl: string,
		private readonly stopProcess: () => Promise<void>,
	) {}

	/** @param more arguments of its command */
	static async start(...more: string[]): Promise<Emulator> {
		const main = path.resolve(process.cwd(), 'dev/emulator/main.mjs');
		const child = spawn(process.execPath, [main, '--exit-with-parent', ...more], {
			stdio: ['pipe', 'pipe', 'inherit'],
		});
		const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
		const { apiUrl, mediaUrl } = JSON.parse(line) as { apiUrl: string; mediaUrl: string };
		return new Emulator(apiUrl, mediaUrl, async () => {
			child.kill();
			await once(child, 'exit');
		});
	}

	async stop(): Promise<void> {
		await this.stopProcess();
	}

	get referenceUrl(): string {
		return `${this.mediaUrl}/reference.mp4`;
	}

	async state(): Promise<State> {
		return (await this.control('GET', '/state')) as State;
	}

	async reset(settings: Record<string, unknown> = {}): Promise<void> {
		await this.control('POST', '/reset');
		await this.set({ taskSeconds: 0.2, ...settings });
	}

	async set(settings: Record<string, unknown>): Promise<void> {
		await this.control('PATCH', '/settings', settings);
	}

	async fault(...rules: Rule[]): Promise<void> {
		await this.control('POST', '/faults', rules);
	}

	/** On the media listener, which answers even while the API refuses connections. */
	async control(
		method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
		at: string,
		body?: unknown,
	): Promise<unknown> {
		const answer = await request(`${this.mediaUrl}/__emulator${at}`, {
			method,
			...(body === undefined
				? {}
				: { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
		});
		const text = await answer.body.text();
		if (answer.statusCode >= 300) throw new Error(`${method} ${at}: ${answer.statusCode} ${text}`);
		return text === '' ? undefined : JSON.parse(text);
	}
}
