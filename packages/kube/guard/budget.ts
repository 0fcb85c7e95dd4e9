/** What one API server may cost; a guard of its own for each, so that nobody pays for another. */
export interface AnswerBudget {
  /** One answer; of a list one page. Lists whose pages are larger are asked for in smaller ones, down to single objects. */
  readonly answerBytesMax: number;
  /** One object, as JSON. */
  readonly objectBytesMax: number;
  /** All pages of one list. */
  readonly listMsMax: number;
  /** Objects of a resource. */
  readonly objectsMax: Readonly<Record<string, number>>;
  /** Objects of each resource that {@link objectsMax} does not name. */
  readonly objectsMaxElse: number;
  /** What is kept of all objects of all resources, as JSON. Bytes. */
  readonly keptBytesMax: number;
  /** Events of one watch: so many at once, then so many a second. */
  readonly eventsBurst: number;
  readonly eventsPerSecond: number;
}
