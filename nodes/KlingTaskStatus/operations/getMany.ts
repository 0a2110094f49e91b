import { concealTask } from '../../shared/http/conceal';
import { refusal } from '../../shared/http/refusal';
import { read } from '../../shared/http/transport';
import type { Perform } from './perform';

/** Lists the tasks of the account. */
export const getMany: Perform = async ({ context }, { provider, limit }) => {
	const answer = await read(context, provider, provider.listPath as string);
	const list = answer.status === 200 ? provider.readList?.(answer.body) : undefined;
	if (!list) throw refusal(provider, answer, {}, 'No list came.');
	const tasks = list.filter((task) => task !== undefined);
	return tasks.slice(0, limit).map((task) => ({ task: concealTask(task, answer.conceal) }));
};
