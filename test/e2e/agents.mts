/** Workflows with n8n's AI Agent, for which Generate is a tool. */
import { randomUUID } from 'node:crypto';
import type { Execution } from '../../dev/server/session.mjs';
import { itemsOf } from '../../dev/server/session.mjs';
import type { wire } from '../../dev/workflow.mjs';
import { inLine, node } from '../../dev/workflow.mjs';
import type { ChatModel } from './chatModel.mts';
import { startChatModel } from './chatModel.mts';
import type { Stage } from './stage.mts';
import { call, GENERATE, GENERATE_TYPE, generate, publish } from './workflows.mts';

/**
 * The model of an agent that makes a video of each prompt.
 * @param failures so often it fails after that
 */
export async function videoMaker(prompts: string[], failures = 0): Promise<ChatModel> {
	return await startChatModel(
		'Kling_V2V_Generate',
		prompts.map((prompt) => ({ prompt })),
		failures,
	);
}

/** Calls a workflow with an agent. @returns the execution */
export async function callAgent(
	stage: Stage,
	model: ChatModel,
	parameters: object,
): Promise<string> {
	const key = await stage.instance.session.saveCredential({
		name: `Model ${randomUUID()}`,
		type: 'openAiApi',
		data: { apiKey: 'any', url: model.url },
	});
	const ask = node(
		'Agent',
		'@n8n/n8n-nodes-langchain.agent',
		{ promptType: 'define', text: 'Make a video', options: {} },
		{ typeVersion: 3.1 },
	);
	const llm = node(
		'Model',
		'@n8n/n8n-nodes-langchain.lmChatOpenAi',
		{ model: { __rl: true, mode: 'id', value: 'model' }, options: {} },
		{ typeVersion: 1.2, credentials: { openAiApi: key } },
	);
	const tool = {
		...generate(stage, {
			parameters: { prompt: "={{ $fromAI('prompt', '', 'string') }}", ...parameters },
		}),
		type: `${GENERATE_TYPE}Tool`,
	};
	const to = (type: string) => ({ [type]: [[{ node: 'Agent', type, index: 0 }]] });
	const connections = {
		...inLine([{ name: 'Call' }, ask]),
		Model: to('ai_languageModel'),
		[GENERATE]: to('ai_tool'),
	} as unknown as ReturnType<typeof wire>;
	return await call(stage, await publish(stage, [ask, llm, tool], { connections }), []);
}

/** @returns what the agent has heard from its calls, in their order */
export function heardIn(ended: Execution): Array<Record<string, string>> {
	const [{ json }] = itemsOf(ended, 'Agent');
	const answers = JSON.parse(json.output) as string[];
	return answers.flatMap((answer) => JSON.parse(answer) as Array<Record<string, string>>);
}
