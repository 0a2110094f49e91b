import { afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { IDataObject, INode, INodeParameters } from 'n8n-workflow';
import { request } from 'undici';
import { Credentials, descriptionOf, GENERATE, loadPackage, node, nodeTypes } from './engine.mts';
import type { RunOptions } from './engine.mts';
import { hurry } from './haste.mts';
import { useBench } from './setup.mts';
import { WaitingServer } from './waiting.mts';

export { passed, until } from './until.mts';

/** What tests of Pause Until Callback need: a server whose executions wait, and tasks that end when told to. */
export class Pauses {
	readonly bench = useBench();

	server!: WaitingServer;

	constructor() {
		const { getDecrypted } = Credentials.prototype;
		beforeAll(hurry);
		beforeEach(async () => {
			await loadPackage();
			this.server = await WaitingServer.open([nodeTypes.getByName(GENERATE)]);
			await this.bench.emulator.set({ taskSeconds: 600 });
		});
		afterEach(async () => {
			Credentials.prototype.getDecrypted = getDecrypted;
			await this.server.close();
		});
	}

	/** Items, and the node that pauses for them. */
	workflow(
		items: number | IDataObject[],
		parameters: INodeParameters = {},
		settings: Partial<INode> & { name?: string } = {},
	): RunOptions {
		const list =
			typeof items === 'number' ? Array.from({ length: items }, (_, n) => ({ n })) : items;
		const { bench } = this;
		return {
			credentials: bench.credentials,
			nodes: [
				node('Source', 'test.source', { items: JSON.stringify(list.map((json) => ({ json }))) }),
				node(
					'Kling "quoted"',
					GENERATE,
					{
						prompt: '@Video1',
						videoUrl: bench.emulator.referenceUrl,
						completion: 'callback',
						...parameters,
					},
					{ typeVersion: descriptionOf(GENERATE).defaultVersion ?? 1, ...settings },
				),
			],
		};
	}

	/** Two such nodes in line. */
	twice(): RunOptions {
		const { nodes, ...more } = this.workflow(1);
		return { ...more, nodes: [...nodes, { ...nodes[1], id: 'second', name: 'Second' }] };
	}

	readonly complete = async (...taskIds: string[]): Promise<void> =>
		await this.bench.emulator.complete(...taskIds);

	readonly fail = async (taskId: string): Promise<void> => await this.bench.emulator.fail(taskId);

	/** @returns the status of the answer */
	readonly call = async (
		executionId: string,
		body: unknown = {},
		contentType = 'application/json',
	): Promise<number> => {
		const answer = await request(`${this.server.url}/${executionId}`, {
			method: 'POST',
			body: JSON.stringify(body),
			headers: { 'content-type': contentType },
		});
		await answer.body.dump();
		return answer.statusCode;
	};

	readonly idsOf = async (): Promise<string[]> =>
		(await this.bench.emulator.tasks()).map(({ taskId }) => taskId);

	readonly billed = async (): Promise<number> => (await this.bench.emulator.state()).billed.total;

	/** n8n's database is away for each reading of a credential of which this says so. */
	breakDatabase(isAway: (reading: number) => boolean | Promise<boolean>): void {
		const { getDecrypted } = Credentials.prototype;
		let readings = 0;
		Credentials.prototype.getDecrypted = async function (this: Credentials, ...which) {
			if (await isAway(++readings)) throw new Error('timeout exceeded when trying to connect');
			return await getDecrypted.apply(this, which);
		};
	}
}
