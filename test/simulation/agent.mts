import type { Item, RunData, ShownError, TaskData } from './data.mts';
import type { Running } from './engine.mts';
import type { Surroundings } from './nodeContext.mts';
import { never } from './process.mts';
import { NODE, roundOf } from './workflow.mts';

/** One call of the node by an agent. */
export interface AgentCall {
	/** Which of the agent's wishes it is: what the index of an item is elsewhere. */
	wish: number;
	runIndex: number;
}

/** Has the node work on a call. */
type CallNode = (call: AgentCall) => Promise<Item[]>;

/**
 * The AI Agent node, for which the Kling node is a tool: its model has a wish for each item, and asks once more with the
 * same words when it reads an error.
 */
export class Agent {
	constructor(private readonly world: Surroundings) {}

	/**
	 * @param callNode calls the node once; an error is thrown
	 * @param runNode calls the node as n8n's engine does, with its tries; an error is an item
	 * @returns what it puts out: the last answer to each of its wishes
	 */
	async run(running: Running, callNode: CallNode, runNode: CallNode): Promise<Item[]> {
		const { agent, items } = this.world.scenario;
		const wishes = items.map((_, wish) => wish);
		if (agent === 'itself') {
			const tool = this.toolOf(running, callNode);
			return await Promise.all(wishes.map(async (wish) => await this.grant(running, wish, tool)));
		}
		const answers: Item[] = [];
		const tool = async (wish: number) => await this.throughEngine(running, wish, runNode);
		for (const wish of wishes) answers.push(await this.grant(running, wish, tool));
		return answers;
	}

	private async grant(
		{ stop }: Running,
		wish: number,
		tool: (wish: number) => Promise<Item>,
	): Promise<Item> {
		let answer = await tool(wish);
		for (let asked = 0; asked < this.world.scenario.asksAgain; asked++) {
			if (answer.json.error === undefined || stop.signal.aborted) break;
			answer = await tool(wish);
		}
		return answer;
	}

	/** n8n-core's `makeHandleToolInvocation`: made anew for each run of the agent. 1.88 counts from 0 on, and has no tries. */
	private toolOf(running: Running, callNode: CallNode): (wish: number) => Promise<Item> {
		const { version, tries, waitBetweenTries } = this.world.scenario;
		const isNew = version === '2.41';
		let next = isNew ? runsOf(running.data).length : 0;
		return async (wish) => {
			let answer: Item = itemOf(wish, 'not called');
			for (let tryIndex = 0; tryIndex < (isNew ? tries : 1); tryIndex++) {
				const runIndex = next++;
				if (tryIndex > 0) await new Promise((goOn) => setTimeout(goOn, waitBetweenTries));
				const task = begin(running, runIndex);
				answer = await this.call({ wish, runIndex }, running, callNode, task);
				// An error item is an answer like any other: only what is thrown is tried again.
				if (task.error === undefined) break;
			}
			return answer;
		};
	}

	private async call(
		call: AgentCall,
		{ process, row, data }: Running,
		callNode: CallNode,
		task: TaskData,
	): Promise<Item> {
		const ended = () => row.events.push({ node: NODE, kind: 'finished', at: Date.now() });
		try {
			const [answer] = await callNode(call);
			await process.step();
			ended();
			return { json: answer.json, pairedItem: { item: call.wish } };
		} catch (thrown) {
			if (!process.isAlive) await never;
			const { message, description, context } = thrown as ShownError;
			task.error = { message, description };
			this.world.witness.threw({ message, description, context }, roundOf(data), call.wish);
			ended();
			return itemOf(call.wish, message);
		}
	}

	/** n8n-core's `handleRequest`: the engine runs the node as if it stood in the chain. */
	private async throughEngine(running: Running, wish: number, runNode: CallNode): Promise<Item> {
		const runIndex = runsOf(running.data).length;
		begin(running, runIndex);
		const [answer] = await runNode({ wish, runIndex });
		await running.process.step();
		running.row.events.push({ node: NODE, kind: 'finished', at: Date.now() });
		return { json: answer.json, pairedItem: { item: wish } };
	}
}

function itemOf(wish: number, error: string): Item {
	return { json: { error }, pairedItem: { item: wish } };
}

function runsOf({ resultData }: RunData): TaskData[] {
	return (resultData.runData[NODE] ??= []);
}

function begin({ row, data }: Running, runIndex: number): TaskData {
	const task: TaskData = { startTime: Date.now(), executionIndex: 0 };
	runsOf(data)[runIndex] = task;
	row.events.push({ node: NODE, kind: 'started', at: Date.now() });
	return task;
}
