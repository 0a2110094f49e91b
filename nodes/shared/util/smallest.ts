/** `Math.min` of a list of any length: as arguments, 130,000 numbers are more than fit on the stack. */
export function smallest(numbers: number[]): number {
	return numbers.reduce((least, each) => Math.min(least, each), Infinity);
}
