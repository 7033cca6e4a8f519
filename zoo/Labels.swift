// What the classes of small data sets are called, in the order of their files.

/// The digits of MNIST.
let digitLabels = classNames("0; 1; 2; 3; 4; 5; 6; 7; 8; 9")

let cifar10Labels = classNames(
  "airplane; automobile; bird; cat; deer; dog; frog; horse; ship; truck")

/// The hundred fine classes of CIFAR-100.
let cifar100Labels = classNames(
  """
  apple; aquarium fish; baby; bear; beaver; bed; bee; beetle; bicycle; bottle; bowl; boy; bridge; bus; butterfly; camel; can;
  castle; caterpillar; cattle; chair; chimpanzee; clock; cloud; cockroach; couch; crab; crocodile; cup; dinosaur; dolphin;
  elephant; flatfish; forest; fox; girl; hamster; house; kangaroo; keyboard; lamp; lawn mower; leopard; lion; lizard; lobster;
  man; maple tree; motorcycle; mountain; mouse; mushroom; oak tree; orange; orchid; otter; palm tree; pear; pickup truck;
  pine tree; plain; plate; poppy; porcupine; possum; rabbit; raccoon; ray; road; rocket; rose; sea; seal; shark; shrew; skunk;
  skyscraper; snail; snake; spider; squirrel; streetcar; sunflower; sweet pepper; table; tank; telephone; television; tiger;
  tractor; train; trout; tulip; turtle; wardrobe; whale; willow tree; wolf; woman; worm
  """)

/// The parts of `text` between semicolons; where a line ends does not matter.
func classNames(_ text: String) -> [String] {
  text.split(separator: ";").map { part in
    String(part.drop(while: \.isWhitespace))
  }
}
