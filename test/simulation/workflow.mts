import { SECRETS } from './answers.mts';
import { contextOf, emptyRunData } from './data.mts';
import type { Item, NodeState, RunData, StackEntry } from './data.mts';
import { INPUTS } from './inputs.mts';
import type { Scenario } from './scenario.mts';

export const NODE = 'Kling';
export const AGENT = 'Agent';
/**
 * Names of nodes, in the order of the workflow: Source -> Kling -> Later; with rounds, Again leads back to Kling. An agent
 * stands in the place of Kling, which is its tool.
 */
export const NAMES = ['Source', NODE, AGENT, 'Again', 'Later'];

/** The workflow of a history, with its items and the node's parameters. */
export class Workflow {
	private readings = 0;

	private starts = 0;

	/** @param taskIds of the tasks that are there, for Kling Task Status */
	constructor(
		private readonly scenario: Scenario,
		private readonly taskIds: string[],
	) {}

	/** @returns the data of a new execution, with a token of its own where n8n gives one */
	start(): RunData {
		const token = `${SECRETS.resumeToken}${++this.starts}`;
		const data = emptyRunData(this.scenario.version === '2.41' ? token : undefined);
		data.executionData.nodeExecutionStack.push({
			node: { name: 'Source', type: 'test.source' },
			data: { main: [[{ json: {} }]] },
			source: null,
		});
		return data;
	}

	/** The Kling node, as the user has set it up. */
	kling(): NodeState {
		const { onError, tries, waitBetweenTries, node, agent } = this.scenario;
		const type = node === 'generate' ? 'klingV2vGenerate' : 'klingTaskStatus';
		return {
			name: NODE,
			type: `n8n-nodes-kling-v2v.${type}${agent === 'none' ? '' : 'Tool'}`,
			id: 'kling',
			typeVersion: 1.1,
			parameters: { prompt: '={{ $json.prompt }}' },
			onError,
			...(tries > 1 ? { retryOnFail: true, maxTries: tries, waitBetweenTries } : {}),
		};
	}

	/** The node that Source leads to, and that `Again` leads back to: Kling, or the agent whose tool Kling is. */
	private first(): NodeState {
		return this.scenario.agent === 'none' ? this.kling() : { name: AGENT, type: 'test.agent' };
	}

	/** Runs one of the other nodes. */
	async runOther({ node, data: { main } }: StackEntry, data: RunData): Promise<Item[][]> {
		if (node.name === 'Source') return [this.items()];
		if (node.name === 'Later') {
			await new Promise((goOn) => setTimeout(goOn, this.scenario.laterNode * 1000));
			return [main[0]];
		}
		const round = roundOf(data) + 1;
		contextOf(data, node.name).round = round;
		return round > this.scenario.rounds ? [[], [{ json: {} }]] : [this.items()];
	}

	/** @returns the nodes that a node's output leads to */
	next(name: string, output: Item[][]): StackEntry[] {
		const { rounds, laterNode } = this.scenario;
		const to = (node: NodeState, items: Item[] = []): StackEntry[] =>
			items.length === 0
				? []
				: [{ node, data: { main: [items] }, source: { main: [{ previousNode: name }] } }];
		const any = output.flat().length > 0 ? [{ json: {} }] : [];
		const later = (items: Item[]) =>
			laterNode > 0 ? to({ name: 'Later', type: 'test.later' }, items) : [];
		switch (name) {
			case 'Source':
				return to(this.first(), output[0]);
			case NODE:
			case AGENT:
				return rounds > 1 ? to({ name: 'Again', type: 'test.again' }, any) : later(any);
			case 'Again':
				return [...to(this.first(), output[0]), ...later(output[1] ?? [])];
			default:
				return [];
		}
	}

	/** @returns a parameter of the Kling node, as its expression gives it for an item */
	parameter(name: string, item: number, data: RunData, otherwise: unknown): unknown {
		const values =
			this.scenario.node === 'generate' ? this.generate(item, data) : this.status(item);
		return Object.hasOwn(values, name) ? values[name] : otherwise;
	}

	private items(): Item[] {
		return this.scenario.items.map((input, item) => ({
			json: { number: item, text: INPUTS[input], [INPUTS[input].slice(0, 40)]: INPUTS[input] },
		}));
	}

	private generate(item: number, data: RunData): Record<string, unknown> {
		const { provider, completion, download, isVolatile, items } = this.scenario;
		const input = INPUTS[items[item] ?? 0];
		const reading = isVolatile ? ` at ${this.readings++}` : '';
		const text = input.startsWith('https') ? input : `@Video1 ${input}`;
		const link = `https://user:${SECRETS.password}@refs.example/clip.mp4?token=${SECRETS.linkToken}&x=${input.slice(0, 500)}`;
		return {
			provider,
			endpoint: 'videoEdit',
			completion,
			prompt: `${text}${reading} ${markerOf(item, data)}`,
			videoSource: 'url',
			videoUrl: link,
			downloadVideo: download,
			options: { checkMedia: false, ...this.options() },
		};
	}

	private status(item: number): Record<string, unknown> {
		const { provider, download } = this.scenario;
		return {
			provider,
			endpoint: 'videoEdit',
			operation: 'wait',
			taskId: this.taskIds[item],
			downloadVideo: download,
			options: this.options(),
		};
	}

	private options(): Record<string, unknown> {
		const { waitLimit, maxConcurrentTasks, maxTasks, whileWaiting, pollInterval, node } =
			this.scenario;
		return {
			waitLimit,
			whileWaiting,
			...(node === 'generate' ? { maxConcurrentTasks } : {}),
			...(node === 'generate' && maxTasks > 0 ? { maxTasksPerExecution: maxTasks } : {}),
			...(pollInterval > 0 ? { pollInterval } : {}),
		};
	}
}

/** Recognises an item's task at the provider. */
function markerOf(item: number, data: RunData): string {
	return `[round ${roundOf(data)} ${item}]`;
}

/** @returns the round of the loop, from 1 on */
export function roundOf(data: RunData): number {
	return Number(contextOf(data, 'Again').round ?? 1);
}
