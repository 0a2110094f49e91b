/** All of n8n is killed under AI agents, and starts again. */
import { expect, test } from '../fixtures.mts';
import { callAgent, heardIn, videoMaker } from '../agents.mts';
import type { ChatModel } from '../chatModel.mts';
import { expectSuccess } from '../expect.mts';
import type { Kill, Moment } from '../kills.mts';
import { killAll, taskIds } from '../kills.mts';
import { PROMPTS } from '../pausing.mts';
import { PROVIDERS } from '../providers.mts';
import { billedTasks } from '../stage.mts';

let model: ChatModel;
test.beforeAll(async () => {
	model = await videoMaker(PROMPTS.slice(0, 2));
});
test.afterAll(async () => await model.stop());

/** The first call has made a task, and the answer to the second one is still to come. */
const IN_SECOND_CALL: Moment = {
	begin: async (stage, parameters) => {
		const fault = { kind: 'slow', ms: 600_000 };
		await stage.emulator.fault({ match: { action: 'create', nth: 2 }, fault });
		return await callAgent(stage, model, { ...parameters, completion: 'submitOnly' });
	},
	isReached: async (stage) => (await billedTasks(stage)) === 2,
	check: async (stage, ended, provider) => {
		expectSuccess(ended);
		const [made, lost] = heardIn(ended);
		const [first, second] = await taskIds(stage);
		if (provider === 'magnific') expect(made.taskId).toBe(first);
		else expect(made.error).toContain('may have created a task');
		expect(lost.error).toContain('may have created a task');
		if (provider === 'magnific') expect(lost.error).toContain(second);
		expect(await billedTasks(stage), 'billed tasks').toBe(2);
	},
};

const plays: Kill['plays'] = new Map();
for (const { label, parameters } of PROVIDERS) {
	for (const loadWorkflow of [false, true]) {
		const which = loadWorkflow ? 'the workflow as it is now' : 'the original workflow';
		plays.set(`${label}: retried with ${which}`, {
			parameters,
			moment: IN_SECOND_CALL,
			after: async (stage, execution) => {
				const { session } = stage.instance;
				const killed = await session.executionEnd(execution, { timeoutMs: 600_000 });
				expect(killed.status).toBe('crashed');
				const retry = await session.retry(execution, loadWorkflow);
				await IN_SECOND_CALL.check(stage, await session.executionEnd(retry), parameters.provider);
			},
		});
	}
}

test('n8n is killed while an agent makes its second video, and a retry pays for neither of them again', async ({
	server,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	await killAll(server, testInfo, { plays });
});
